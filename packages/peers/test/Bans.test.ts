import { assert, describe, it } from "@effect/vitest"
import { Peer } from "@piecework/domain"
import { Bans } from "@piecework/peers"
import { Effect } from "effect"
import { TestClock } from "effect/testing"

const device = (n: number) => Peer.DeviceId.make(n.toString(16).padStart(32, "0"))
const fresh = <A, E, R>(test: Effect.Effect<A, E, R>) => Effect.provide(test, Bans.Bans.layer)

describe("Bans", () => {
  it.effect("keeps a device out until the time is over", () =>
    Effect.gen(function* () {
      const bans = yield* Bans.Bans
      yield* bans.ban({ device: device(1), until: 10_000 })
      assert.isTrue(yield* bans.isBanned({ device: device(1), host: "10.0.0.1" }))
      assert.isFalse(yield* bans.isBanned({ device: device(2), host: "10.0.0.1" }))
      yield* TestClock.adjust(9_999)
      assert.isTrue(yield* bans.isBanned({ device: device(1) }))
      yield* TestClock.adjust(1)
      assert.isFalse(yield* bans.isBanned({ device: device(1) }))
      assert.deepStrictEqual(yield* bans.list, [])
    }).pipe(fresh)
  )

  it.effect("keeps a host out with the device when it is told to, whoever comes from there", () =>
    Effect.gen(function* () {
      const bans = yield* Bans.Bans
      yield* bans.ban({ device: device(1), host: "10.0.0.1", until: 10_000 })
      assert.isTrue(yield* bans.isBanned({ device: device(2), host: "10.0.0.1" }))
      assert.isTrue(yield* bans.isBanned({ host: "10.0.0.1" }))
      assert.isTrue(yield* bans.isBanned({ device: device(1), host: "10.0.0.2" }))
      assert.isFalse(yield* bans.isBanned({ device: device(2) }))
      assert.isFalse(yield* bans.isBanned({}))
    }).pipe(fresh)
  )

  it.effect("keeps the later of two times, and lists the longest ban first", () =>
    Effect.gen(function* () {
      const bans = yield* Bans.Bans
      yield* bans.ban({ device: device(1), until: 10_000 })
      yield* bans.ban({ device: device(1), until: 5_000 })
      yield* bans.ban({ device: device(2), until: 20_000 })
      yield* bans.ban({ device: device(3), until: 0 })
      assert.deepStrictEqual(yield* bans.list, [
        { device: device(2), until: 20_000 },
        { device: device(1), until: 10_000 }
      ])
    }).pipe(fresh)
  )

  it.effect("keeps a bounded number, and lets go of the one that is over first", () =>
    Effect.gen(function* () {
      const bans = yield* Bans.Bans
      for (let n = 0; n <= Bans.maxBans; n++) yield* bans.ban({ device: device(n), until: 10_000 + n })
      assert.strictEqual((yield* bans.list).length, Bans.maxBans)
      assert.isFalse(yield* bans.isBanned({ device: device(0) }))
      assert.isTrue(yield* bans.isBanned({ device: device(Bans.maxBans) }))
    }).pipe(fresh)
  )
})
