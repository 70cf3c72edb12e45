/** `piecework-service list`: what is published. */
import { type ContentRecord, maxPage } from "@piecework/cloud/ContentAdminRpcs"
import { Output } from "@piecework/terminal/Output"
import { Clock, Effect } from "effect"
import { Command } from "effect/cli"
import * as contents from "./contents.ts"
import * as remote from "./remote.ts"
import { serve } from "./serve.ts"

export const list = Command.make("list", remote.flags).pipe(
  Command.withDescription("Shows what is published"),
  Command.withHandler((where) =>
    Effect.gen(function* () {
      const { data, json } = yield* serve
      const output = yield* Output
      const found = yield* contents.administerThere({ ...where, data }, all)
      if (json) return yield* output.line(JSON.stringify(found.map(contents.forPrograms)))
      if (found.length === 0)
        return yield* output.note("Nothing is published yet; see piecework-service publish --help.")
      const now = yield* Clock.currentTimeMillis
      return yield* output.line(found.map((content) => contents.forPeople(content, now)).join("\n"))
    })
  )
)

const all = (client: contents.Client) =>
  Effect.gen(function* () {
    const found: Array<ContentRecord> = []
    for (let after: number | undefined = 0; after !== undefined;) {
      const page: { readonly contents: ReadonlyArray<ContentRecord>; readonly next?: number } = yield* client.List({
        after,
        most: maxPage
      })
      found.push(...page.contents)
      after = page.next
    }
    return found
  })
