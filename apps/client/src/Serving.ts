/** Serves peers for as long as the device may have any, as its settings are: a change ends it, or begins it again. */
import { type DownloadMode, usesPeers } from "@piecework/domain/DownloadMode"
import type { Scope as SwarmScope } from "@piecework/cloud/Fields"
import type { LivePolicy } from "@piecework/policy/LivePolicy"
import { Output } from "@piecework/terminal/Output"
import { Effect, Latch } from "effect"
import * as DevicePolicy from "./DevicePolicy.ts"
import * as Summary from "./view/Summary.ts"

export interface ServingOptions {
  readonly policy: LivePolicy
  /** The folder of the cache. */
  readonly folder: string
  /** As it is at the start. */
  readonly mode: DownloadMode
}

/** Runs `serve` with the mode in force, each time until that is another one. */
export const whileAllowed = Effect.fn("Serving.whileAllowed")(function* <E, R>(
  { folder, mode, policy }: ServingOptions,
  serve: (mode: SwarmScope) => Effect.Effect<never, E, R>
) {
  const output = yield* Output
  const changed = yield* Latch.make(false)
  yield* policy.onChange(() => changed.openUnsafe())
  const eligible = Effect.suspend(() => DevicePolicy.eligible(policy.current(), folder))
  let now: Effect.Success<typeof eligible> = { mode, why: undefined }
  const another = Effect.gen(function* () {
    const before = now.mode
    while (now.mode === before) {
      yield* changed.await
      yield* changed.close
      now = yield* eligible
    }
  })
  while (true) {
    if (usesPeers(now.mode)) {
      yield* Effect.raceFirst(serve(now.mode), another)
      if (usesPeers(now.mode)) yield* output.note(`piecework: Peers are served in the mode ${now.mode} from now on.`)
    } else {
      const why = now.why === undefined ? `the mode ${now.mode} has none` : Summary.because(now.why)
      yield* output.note(`piecework: No peers are served from now on: ${why}.`)
      yield* another
      if (usesPeers(now.mode)) yield* output.note("piecework: Peers are served again.")
    }
  }
}, Effect.scoped)
