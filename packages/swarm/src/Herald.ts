/**
 * Says again and again what the swarms of this process do. It takes a hundredth of a processor at most: where there are so many members that
 * a bulletin takes longer, they come less often.
 */
import { randomUUID } from "node:crypto"
import { Clock, Duration, Effect, type Scope } from "effect"
import * as Bulletin from "./Bulletin.ts"
import type { SwarmActor } from "./SwarmActor.ts"

/** Milliseconds between two bulletins. */
const usual = 2000
const slowest = 10_000
const share = 100

export const run = (
  actors: () => Iterable<readonly [swarm: string, actor: SwarmActor]>,
  post: (bulletin: Bulletin.Bulletin) => Effect.Effect<void, { readonly message: string }>
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function* () {
    const runner = randomUUID()
    let hasSwarms = false
    const once = Effect.gen(function* () {
      const began = yield* Clock.monotonicTimeNanos
      const bulletin = yield* Bulletin.make(runner, actors())
      const took = Number((yield* Clock.monotonicTimeNanos) - began) / 1e6
      // A process that never had any has nothing to say.
      hasSwarms ||= bulletin.swarms > 0
      if (hasSwarms)
        yield* Effect.catch(post(bulletin), ({ message }) => Effect.logDebug("a bulletin was lost", message))
      return Math.min(slowest, Math.max(usual, took * share))
    })
    yield* Effect.forkScoped(Effect.forever(Effect.flatMap(once, (pause) => Effect.sleep(Duration.millis(pause)))))
  })
