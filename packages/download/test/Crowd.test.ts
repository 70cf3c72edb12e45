import { assert, describe, it } from "@effect/vitest"
import { Digest, Peer } from "@piecework/domain"
import { Phf } from "@piecework/hashing"
import { PeerError } from "@piecework/peers/PeerError"
import { PeerHost, type Served } from "@piecework/peers/PeerHost"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Crowd from "../src/Crowd.ts"

const idOf = (n: number) => Peer.idOf(Peer.DeviceId.make("a".repeat(32)), n)
const peer = (n: number) =>
  new Peer.Peer({ id: idOf(n), address: new Peer.PeerAddress({ host: `10.0.0.${n}`, port: 7680 }), kind: "Lan" })

const phf = Phf.make({ contentSize: 1, digests: new Uint8Array(Digest.length).fill(1) })
/** Nobody gets in, so nothing is asked of it. */
const store = { phf } as Served["store"]

/** A crowd whose dials fail as the test says. */
const crowdOf = (reason: (n: number) => PeerError["reason"]) =>
  Crowd.make({
    served: { phf, store },
    maxPeers: 10,
    listener: { joined: () => Effect.void, told: () => Effect.void, left: () => Effect.void }
  }).pipe(
    Effect.provideService(
      PeerHost,
      PeerHost.of({
        self: idOf(0),
        address: new Peer.PeerAddress({ host: "10.0.0.100", port: 7680 }),
        serve: () => Effect.void,
        connect: ({ id }) =>
          new PeerError({ peer: id, address: "a", reason: reason(Number.parseInt(id.slice(32), 16)) })
      })
    )
  )

const met = Effect.fnUntraced(function* (crowd: Crowd.Crowd, n: number) {
  yield* crowd.meet([peer(n)])
  yield* TestClock.adjust("3 minutes")
})

describe("A crowd", () => {
  it.effect("says which peers did not answer twice, the latest first, and forgets it after a while", () =>
    Effect.gen(function* () {
      const crowd = yield* crowdOf(() => "Unreachable")
      yield* met(crowd, 1)
      assert.deepStrictEqual(yield* crowd.unreachable, [])
      yield* crowd.meet([peer(1)])
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* crowd.unreachable, [idOf(1)])
      for (let n = 0; n < 2; n++) {
        yield* crowd.meet([peer(2)])
        yield* TestClock.adjust("2 seconds")
      }
      assert.deepStrictEqual(yield* crowd.unreachable, [idOf(2), idOf(1)])
      yield* TestClock.adjust("5 minutes")
      assert.deepStrictEqual(yield* crowd.unreachable, [])
    })
  )

  it.effect("does not blame peers that are there and have no room, or were there in between", () =>
    Effect.gen(function* () {
      let turn = 0
      const crowd = yield* crowdOf((n) => (n === 1 || turn++ === 1 ? "Closed" : "TimedOut"))
      for (let n = 0; n < 3; n++) {
        yield* met(crowd, 1)
        yield* crowd.meet([peer(2)])
        yield* TestClock.adjust("10 seconds")
      }
      assert.deepStrictEqual(yield* crowd.unreachable, [])
    })
  )
})
