/** `piecework perf`: how this device does, now and this month. */
import * as Ending from "@piecework/terminal/Ending"
import { Effect } from "effect"
import { Command, Flag } from "effect/cli"
import * as anAgent from "./anAgent.ts"
import * as options from "./options.ts"

const month = Flag.Boolean("month").pipe(
  Flag.withDescription("what was downloaded and sent in this calendar month, by all programs of the device"),
  Flag.withDefault(false)
)

const verbose = Flag.Boolean("verbose").pipe(
  Flag.withDescription("also bytes by kind of source and of peer, and the mean number of peers"),
  Flag.withDefault(false)
)

export const perf = Command.make(
  "perf",
  { ...anAgent.flags, policy: options.policy, month, verbose, json: options.json },
  Effect.fn("perf")(function* (input) {
    yield* Ending.forPrograms(input.json)
    const { run } = yield* Effect.promise(() => import("./perfShown.ts"))
    yield* run(input)
  })
).pipe(Command.withDescription("Show how this device does: sums, rates, connections, limits; or this month"))
