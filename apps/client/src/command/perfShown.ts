/** What `piecework perf` shows. Loaded when it is wanted. */
import { perfSnapVerbose } from "@piecework/domain/PerfSnap"
import { defaultRoot } from "@piecework/device/StateFolder"
import { Output } from "@piecework/terminal/Output"
import { Effect, Option } from "effect"
import * as DeviceHere from "../DeviceHere.ts"
import * as DevicePolicy from "../DevicePolicy.ts"
import * as PerfView from "../view/PerfView.ts"
import type * as anAgent from "./anAgent.ts"
import { withStored } from "./existing.ts"

export interface Input extends anAgent.Input {
  readonly policy: Option.Option<string>
  readonly month: boolean
  readonly verbose: boolean
  readonly json: boolean
}

export const run = Effect.fnUntraced(function* (input: Input) {
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
