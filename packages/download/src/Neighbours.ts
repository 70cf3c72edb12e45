/**
 * The peers of the local network, where there is a `Lan`: tells them of a content, and meets those who tell of it. With the
 * service, without it, or instead of it.
 */
import type { Digest } from "@piecework/domain/Digest"
import type { Peer, PeerAddress, PeerId } from "@piecework/domain/Peer"
import type { Scope as SwarmScope } from "@piecework/cloud/Fields"
import { Lan } from "@piecework/lan/Lan"
import { Effect, Option, type Scope } from "effect"

export interface Options {
  /** The hash of hashes. */
  readonly swarm: Digest
  readonly self: PeerId
  /** Where this device takes connections. */
  readonly address: PeerAddress
  readonly scope: SwarmScope
  readonly groupId: string | undefined
  /** Those that were heard of; who only gives wants none. */
  readonly found?: (peers: ReadonlyArray<Peer>) => Effect.Effect<void>
}

/** Gives effects the `Lan` that is here, if there is one, wherever they run. */
export const known: Effect.Effect<<A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>> = Effect.map(
  Effect.serviceOption(Lan),
  Option.match({
    onNone: () => (effect) => effect,
    onSome: (lan) => (effect) => Effect.provideService(effect, Lan, lan) as typeof effect
  })
)

/** Whether there is a local network to meet them on. */
export const canMeet: Effect.Effect<boolean> = Effect.map(Effect.serviceOption(Lan), Option.isSome)

export const meet = Effect.fn("Neighbours.meet")(function* ({
  address,
  found,
  scope,
  self,
  swarm,
  ...options
}: Options): Effect.fn.Return<void, never, Scope.Scope> {
  const lan = Option.getOrUndefined(yield* Effect.serviceOption(Lan))
  if (lan === undefined) return
  const groupId = scope === "Group" ? options.groupId : undefined
  yield* lan.announce({ swarm, peer: self, port: address.port, groupId })
  if (found !== undefined) yield* lan.browse({ swarm, self, groupId }, found)
})
