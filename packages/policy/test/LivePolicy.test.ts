import { assert, describe, it } from "@effect/vitest"
import { ContentTerms, LivePolicy, Policy } from "@piecework/policy"
import { Effect } from "effect"

const withSize = (percent: number) => Policy.resolve([{ provider: "MachineFile", values: { DOMaxCacheSize: percent } }])

const shown = (policy: Policy.Policy) =>
  (["DOMaxCacheAge", "DOMinBackgroundQos"] as const).map((name) => Object.values(policy.effective(name)))

describe("The settings as they are now", () => {
  it.effect("are the defaults where nobody provides any", () =>
    Effect.gen(function* () {
      const live = yield* LivePolicy.LivePolicy
      assert.strictEqual(live.current().get("DOMaxCacheSize"), 20)
    })
  )

  it.effect("have what the publisher of a content says of it in between, also when they change", () =>
    Effect.gen(function* () {
      const live = LivePolicy.changing(Policy.defaults)
      const said = ContentTerms.said({ maxCacheAge: 60, backgroundQos: 1025, foregroundQos: 7 })
      const ofContent = LivePolicy.also(live, said)
      assert.deepStrictEqual(shown(ofContent.current()), [
        [60, "ContentPolicy"],
        [2, "ContentPolicy"]
      ])
      assert.strictEqual(ofContent.current(), ofContent.current())
      const heard: Array<Policy.Policy> = []
      yield* ofContent.onChange((policy) => heard.push(policy))
      live.set(
        Policy.resolve([
          { provider: "KeyValueService", values: { DOMaxCacheAge: 5, DOMinBackgroundQos: 5 } },
          { provider: "MachineFile", values: { DOMinBackgroundQos: 9 } }
        ])
      )
      const both = [
        [60, "ContentPolicy"],
        [9, "MachineFile"]
      ]
      assert.deepStrictEqual(heard.map(shown), [both])
      assert.deepStrictEqual(shown(ofContent.current()), both)
      assert.isFalse(live.current().effective("DOMaxCacheAge").provider === "ContentPolicy")
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
