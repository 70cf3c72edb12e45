/** `piecework perf`: how this device does, now and this month. */
import { perfSnapVerbose } from "@piecework/domain/PerfSnap"
import { defaultRoot } from "@piecework/device/StateFolder"
import * as Ending from "@piecework/terminal/Ending"
import { Output } from "@piecework/terminal/Output"
import { Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import * as DeviceHere from "../DeviceHere.ts"
import * as DevicePolicy from "../DevicePolicy.ts"
import * as PerfView from "../view/PerfView.ts"
import * as anAgent from "./anAgent.ts"
import { withStored } from "./existing.ts"
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
    const policy = yield* DevicePolicy.load({ policy: input.policy })
    const root = Option.getOrElse(input.state, () => defaultRoot(process.env))
    yield* Effect.gen(function* () {
      const output = yield* Output
      const device = yield* DeviceHere.look(input, root)
      if (input.month) {
        const sums = yield* device.month
        return yield* output.line(input.json ? JSON.stringify(sums, null, 2) : PerfView.month(sums))
      }
      const snap = yield* device.perf
      if (!input.json) {
        return yield* output.line(PerfView.snap(snap, { hasAgent: device.hasAgent, isVerbose: input.verbose }))
      }
      const told = Object.entries(snap).filter(([name]) => input.verbose || !(name in perfSnapVerbose))
      yield* output.line(JSON.stringify(Object.fromEntries(told), null, 2))
    }).pipe(Effect.scoped, withStored(input.state, policy))
  })
).pipe(Command.withDescription("Show how this device does: sums, rates, connections, limits; or this month"))
