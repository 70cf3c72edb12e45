/**
 * Serves peers in the mode that the settings say, for as long as it has any: a change ends it, or begins it again. What else
 * keeps the device from having peers is seen to below (`Permission`).
 */
import type { Scope as SwarmScope } from "@piecework/cloud/Fields"
import { type DownloadMode, usesPeers } from "@piecework/domain/DownloadMode"
import type { LivePolicy } from "@piecework/policy/LivePolicy"
import { Output } from "@piecework/terminal/Output"
import { Effect, Latch } from "effect"
import * as DevicePolicy from "./DevicePolicy.ts"

export interface ServingOptions {
  readonly policy: LivePolicy
  /** As it is at the start. */
  readonly mode: DownloadMode
}

/** Runs `serve` with the mode in force, each time until that is another one. */
export const whileAllowed = Effect.fn("Serving.whileAllowed")(function* <E, R>(
  { mode, policy }: ServingOptions,
  serve: (mode: SwarmScope) => Effect.Effect<never, E, R>
) {
  const output = yield* Output
  const changed = yield* Latch.make(false)
  yield* policy.onChange(() => changed.openUnsafe())
  let now = mode
  const another = Effect.gen(function* () {
    const before = now
    while (now === before) {
      yield* changed.await
      yield* changed.close
      now = DevicePolicy.modeOf(policy.current())
    }
  })
  while (true) {
    if (usesPeers(now)) {
      yield* Effect.raceFirst(serve(now), another)
      if (usesPeers(now)) yield* output.note(`piecework: Peers are served in the mode ${now} from now on.`)
    } else {
      yield* output.note(`piecework: No peers are served from now on: the mode ${now} has none.`)
      yield* another
      if (usesPeers(now)) yield* output.note("piecework: Peers are served again.")
    }
  }
}, Effect.scoped)
