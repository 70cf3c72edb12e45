/**
 * The swarms that live in this process, so that who has a message for one of them need not send it: an entity is found
 * here from its first message until it ends or moves to another runner. Whether a swarm is idle its cluster knows by the
 * messages that it sees, so every few minutes one must go that way, or it would end a swarm that is busy.
 */
import { Context, Duration, Layer } from "effect"
import type { SwarmActor } from "./SwarmActor.ts"

export class Residents extends Context.Service<
  Residents,
  {
    /** Nothing when it lives elsewhere, or when it is time for a message. */
    readonly find: (swarm: string, epochMillis: number) => SwarmActor | undefined
    readonly enter: (swarm: string, actor: SwarmActor) => void
    /** The swarm has had a message. */
    readonly messaged: (swarm: string, epochMillis: number) => void
    /** All of them, by their swarms' ids. */
    readonly all: () => Iterable<readonly [swarm: string, actor: SwarmActor]>
    /** If it is still the one that is known. */
    readonly leave: (swarm: string, actor: SwarmActor) => void
  }
>()("@piecework/swarm/Residents") {
  static readonly layer: Layer.Layer<Residents> = Layer.sync(Residents, () => {
    const residents = new Map<string, { readonly actor: SwarmActor; messagedAt: number }>()
    return Residents.of({
      find: (swarm, epochMillis) => {
        const resident = residents.get(swarm)
        if (resident === undefined) return undefined
        // A clock that was set back is as good a reason for a message.
        return Math.abs(epochMillis - resident.messagedAt) > messageEvery ? undefined : resident.actor
      },
      enter: (swarm, actor) => void residents.set(swarm, { actor, messagedAt: Number.NEGATIVE_INFINITY }),
      messaged: (swarm, epochMillis) => {
        const resident = residents.get(swarm)
        if (resident !== undefined) resident.messagedAt = epochMillis
      },
      all: () => Array.from(residents, ([swarm, { actor }]) => [swarm, actor] as const),
      leave: (swarm, actor) => {
        if (residents.get(swarm)?.actor === actor) residents.delete(swarm)
      }
    })
  })
}

/** Milliseconds; well below the time after which a swarm counts as idle, see `Swarm.layer`. */
const messageEvery = Duration.toMillis("1 minute")
