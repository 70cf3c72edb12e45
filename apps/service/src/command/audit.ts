/** `piecework-service audit`: who changed what. */
import { maxPage } from "@piecework/cloud/ContentAdminRpcs"
import { Output } from "@piecework/terminal/Output"
import { Effect } from "effect"
import { Command, Flag } from "effect/cli"
import * as contents from "./contents.ts"
import * as remote from "./remote.ts"
import { serve } from "./serve.ts"
import { printable } from "../view/Printable.ts"

const last = Flag.Int("last").pipe(
  Flag.withMetavar("N"),
  Flag.withDescription(`how many entries, 1 to ${maxPage}; default 50`),
  Flag.filter(
    (n) => n >= 1 && n <= maxPage,
    (n) => `--last is 1 to ${maxPage}, but not ${n}`
  ),
  Flag.withDefault(50)
)

const before = Flag.Int("before").pipe(
  Flag.withMetavar("PLACE"),
  Flag.withDescription("only what came before the entry with this number"),
  Flag.filter(
    (n) => n >= 0,
    () => "A place is not negative"
  ),
  Flag.optional
)

export const audit = Command.make("audit", { last, before, ...remote.flags }).pipe(
  Command.withDescription("Shows who changed what, the latest last"),
  Command.withHandler(({ before: place, last: most, ...where }) =>
    Effect.gen(function* () {
      const { data, json } = yield* serve
      const output = yield* Output
      const earlier = place._tag === "None" ? {} : { before: place.value }
      const entries = yield* contents.administerThere({ ...where, data }, (client) =>
        client.ReadAudit({ most, ...earlier })
      )
      const inOrder = entries.toReversed()
      if (json) return yield* output.line(JSON.stringify(inOrder.map((entry) => ({ ...entry, at: timeOf(entry.at) }))))
      if (inOrder.length === 0) return yield* output.note("Nothing was changed yet.")
      return yield* output.line(
        inOrder
          .map(({ action, at, detail, place: n, subject, who }) =>
            printable(`${n}  ${timeOf(at)}  ${who}  ${action}  ${subject}  ${JSON.stringify(detail)}`)
          )
          .join("\n")
      )
    })
  )
)

const timeOf = (millis: number): string => new Date(millis).toISOString()
