/** `piecework-service swarm`: which swarms a running service has, and who is in one, in numbers. */
import { parse } from "@piecework/domain/Content"
import { path, SwarmRpcs } from "@piecework/swarm/SwarmRpcs"
import type { SwarmView } from "@piecework/swarm/SwarmView"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import { Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { exitCodes } from "../ExitCode.ts"
import * as Amount from "../view/Amount.ts"
import * as remote from "./remote.ts"
import { serve } from "./serve.ts"

const flags = {
  ...remote.flags,
  service: Flag.String("service").pipe(
    Flag.withMetavar("URL"),
    Flag.withDescription("where the service is; an operator's token that may read is wanted in PIECEWORK_TOKEN"),
    Flag.withDefault("http://127.0.0.1:7670"),
    Flag.map(Option.some)
  )
}

/** Swarms are in the memory of the service, so there is nothing to be had without it. */
const nowhere = SwarmRpcs.toLayer(
  Effect.fail(new Failure({ sentence: "Say where the service is: --service URL.", code: exitCodes.usage }))
)
const at = remote.at(SwarmRpcs, path, nowhere)

const list = Command.make("list", flags).pipe(
  Command.withDescription("Shows the swarms of the process that is asked, the largest first"),
  Command.withHandler((where) =>
    Effect.gen(function* () {
      const { json } = yield* serve
      const output = yield* Output
      const { count, swarms } = yield* at(where)((client) => client.List())
      if (json) return yield* output.line(JSON.stringify({ count, swarms }))
      if (count === 0) return yield* output.note("There is nobody in any swarm.")
      yield* output.line(swarms.map(({ members, swarm }) => `${String(members).padStart(8)}  ${swarm}`).join("\n"))
      return yield* count > swarms.length ? output.note(`and ${count - swarms.length} more.`) : Effect.void
    })
  )
)

const content = Argument.String("CONTENT").pipe(Argument.withDescription("a content's id"))

const group = Flag.String("group").pipe(
  Flag.withMetavar("GROUP"),
  Flag.withDescription("the swarm of this group; default of those in no group"),
  Flag.optional
)

const show = Command.make("show", { ...flags, content, group }).pipe(
  Command.withDescription("Shows a content's swarm: how many members, at which sites, and what is leased"),
  Command.withHandler(({ content: text, group: name, ...where }) =>
    Effect.gen(function* () {
      const { json } = yield* serve
      const output = yield* Output
      const contentId = Option.getOrUndefined(parse(text))
      if (contentId === undefined) {
        return yield* new Failure({ sentence: `"${text}" is no content id.`, code: exitCodes.usage })
      }
      const groupId = Option.isNone(name) ? {} : { groupId: name.value }
      const view = yield* at(where)((client) => client.Show({ contentId, ...groupId }))
      return yield* output.line(json ? JSON.stringify(view) : shown(view))
    })
  )
)

export const swarm = Command.make("swarm").pipe(
  Command.withDescription("Shows the swarms of a running service"),
  Command.withSubcommands([list, show])
)

const shown = (view: SwarmView): string => {
  const rows = view.sites.map(
    ({ complete, members, site }) => `${String(members).padStart(8)}${String(complete).padStart(10)}  ${site}`
  )
  return [
    `${Amount.count(view.members, "member")}, ${view.complete} complete, ${view.restricted} that only take`,
    `${Amount.count(view.leasedPieces, "piece")} leased to ${Amount.count(view.leaseMembers, "member")}`,
    ...(rows.length === 0 ? [] : ["", " members  complete  site", ...rows]),
    ...(view.siteCount > view.sites.length ? [`and ${view.siteCount - view.sites.length} more sites.`] : [])
  ].join("\n")
}
