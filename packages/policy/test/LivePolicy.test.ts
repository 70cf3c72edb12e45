import { assert, describe, it } from "@effect/vitest"
import { LivePolicy, Policy } from "@piecework/policy"
import { Effect } from "effect"

const withSize = (percent: number) => Policy.resolve([{ provider: "MachineFile", values: { DOMaxCacheSize: percent } }])

describe("The settings as they are now", () => {
  it.effect("are the defaults where nobody provides any", () =>
    Effect.gen(function* () {
      const live = yield* LivePolicy.LivePolicy
      assert.strictEqual(live.current().get("DOMaxCacheSize"), 20)
    })
  )

  it.effect("are told to who listens, for as long as the scope lasts", () =>
    Effect.gen(function* () {
      const live = LivePolicy.changing(Policy.defaults)
      const heard: Array<number> = []
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* live.onChange((policy) => heard.push(policy.get("DOMaxCacheSize")))
          live.set(withSize(30))
          live.set(withSize(40))
        })
      )
      live.set(withSize(50))
      assert.deepStrictEqual([heard, live.current().get("DOMaxCacheSize")], [[30, 40], 50])
    })
  )
})
