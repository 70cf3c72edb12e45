import { networkInterfaces } from "node:os"
import { assert, describe, it } from "@effect/vitest"
import { Digest } from "@piecework/domain"
import { DeviceId, idOf } from "@piecework/domain/Peer"
import { Deferred, Effect, Layer } from "effect"
import { Lan } from "../src/Lan.ts"
import { Multicast } from "../src/Multicast.ts"

const swarm = Digest.Digest.make(new Uint8Array(32).fill(9))
const one = idOf(DeviceId.make("1".repeat(32)), process.pid)
const two = idOf(DeviceId.make("2".repeat(32)), process.pid)

const hasNetwork = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ family, internal }) => family === "IPv4" && !internal)
)

/** A device of its own, with sockets of its own. */
const device = Effect.flatMap(
  Layer.build(Layer.fresh(Lan.layer.pipe(Layer.provide(Layer.fresh(Multicast.layer))))),
  (context) => Effect.provideContext(Lan, context)
)

describe.skipIf(!hasNetwork)("Over real sockets", () => {
  it.live("two devices find each other", () =>
    Effect.gen(function* () {
      const first = yield* device
      const second = yield* device
      yield* first.announce({ swarm, peer: one, port: 17_680, groupId: undefined })
      const met = yield* Deferred.make<string>()
      yield* second.browse({ swarm, self: two, groupId: undefined }, (peers) =>
        Effect.forEach(
          peers,
          (peer) => (peer.id === one ? Deferred.succeed(met, peer.address.toString()) : Effect.void),
          {
            discard: true
          }
        )
      )
      const found = yield* Effect.timeout(Deferred.await(met), "20 seconds")
      assert.match(found, /^\d+\.\d+\.\d+\.\d+:17680$/)
    }).pipe(Effect.scoped)
  )
})
