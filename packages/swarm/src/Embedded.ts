/**
 * All swarms in this process alone, without a cluster: an actor begins with its first message and ends when it has had none
 * for long, or with the scope. An entity of a cluster takes some 20 kB beside what its swarm has to remember; a service with
 * many small swarms on one machine does without.
 */
import type { ContentId } from "@piecework/domain/Content"
import { Clock, Duration, Effect, Random, Schedule, type Scope } from "effect"
import { idleTime } from "./Pace.ts"
import { idOf } from "./Swarm.ts"
import { Memory, SwarmActor } from "./SwarmActor.ts"
import { SwarmConfig } from "./SwarmConfig.ts"
import * as Tally from "./Tally.ts"

export interface Embedded {
  /** The swarm, begun if need be; nothing when there are as many as there may be. */
  readonly swarm: (contentId: ContentId, groupId: string | undefined, epochMillis: number) => SwarmActor | undefined
  readonly all: () => Iterable<readonly [swarm: string, actor: SwarmActor]>
}

/** How often swarms that nobody asks any more are looked for. */
const lookEvery = Duration.minutes(1)

export const make: Effect.Effect<Embedded, never, SwarmConfig | Scope.Scope> = Effect.gen(function* () {
  const config = yield* SwarmConfig
  const clock = yield* Clock.Clock
  const seed = yield* Random.nextInt
  const memory = new Memory(config)
  yield* Tally.registered(memory.tally, () => memory.members.count)
  const swarms = new Map<string, { readonly actor: SwarmActor; askedAt: number }>()
  let begun = 0

  const idleMillis = Duration.toMillis(idleTime(config.pace))
  const endIdle = Effect.sync(() => {
    const now = clock.currentTimeMillisUnsafe()
    for (const [name, { actor, askedAt }] of swarms) {
      // As long after a clock was set back as after so long a silence.
      if (Math.abs(now - askedAt) <= idleMillis) continue
      swarms.delete(name)
      actor.end()
    }
  })
  yield* Effect.forkScoped(Effect.repeat(endIdle, Schedule.spaced(lookEvery)))

  return {
    all: () => Array.from(swarms, ([name, { actor }]) => [name, actor] as const),
    swarm: (contentId, groupId, epochMillis) => {
      const name = idOf(contentId, groupId)
      const known = swarms.get(name)
      if (known !== undefined) {
        known.askedAt = epochMillis
        return known.actor
      }
      if (swarms.size >= config.maxSwarms) return undefined
      const actor = new SwarmActor(seed + begun++, epochMillis, config, memory)
      swarms.set(name, { actor, askedAt: epochMillis })
      return actor
    }
  }
})
