import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Option, Result } from "effect"
import * as Cache from "../../src/cache/Cache.ts"
import { Meter } from "../../src/Meter.ts"
import * as Maker from "../../src/site/Maker.ts"
import * as Namespaces from "../../src/site/Namespaces.ts"
import * as Tools from "../../src/Tools.ts"

const options: Cache.Options = {
  devices: 3,
  bytes: 12_000_000,
  warmBytes: 12_000_000,
  connections: 20,
  wan: 100e6,
  lan: 1e9,
  helperLan: 10e9,
  rttMillis: 20,
  runs: 1,
  cases: [],
  limitSeconds: 80,
  keep: false,
  note: () => Effect.void
}

/** Namespaces that this thread has left. */
const left = Effect.zipWith(Namespaces.list, Maker.ownPrefix, (names, own) =>
  names.filter((name) => name.startsWith(own))
)

layer(Layer.provideMerge(Meter.layer, NodeServices.layer), { excludeTestServices: true })("Cache", (it) => {
  it.effect(
    "sends one copy over the line for all devices of a site and leaves nothing behind, where there are root and iproute2",
    (context) =>
      Effect.gen(function* () {
        if (Result.isFailure(yield* Effect.result(Namespaces.means))) return context.skip()
        if (Option.isNone(yield* Tools.version("curl"))) return context.skip()
        const report = yield* Cache.run({ ...options, cases: ["cold"] })
        assert.deepStrictEqual(Cache.failed(report), [])
        const [cold] = report.site
        assert.isDefined(cold)
        assert.strictEqual(cold.verified, 3)
        assert.strictEqual(cold.originCopies, 1)
        // Nothing is faster than the line.
        assert.isAtLeast(cold.medianOverIdeal ?? 0, 0.9)
        assert.isAbove(cold.server.peakRssBytes ?? 0, 0)
        assert.deepStrictEqual(yield* left, [])
      }),
    120_000
  )

  it.effect(
    "serves what is kept, and readers that are slow, where there is curl",
    (context) =>
      Effect.gen(function* () {
        if (Option.isNone(yield* Tools.version("curl"))) return context.skip()
        const report = yield* Cache.run({ ...options, cases: ["warm", "slow"] })
        assert.deepStrictEqual(Cache.failed(report), [])
        assert.isAbove(report.warm?.servers[0]?.mebibytesPerSecond ?? 0, 0)
        assert.deepInclude(report.slow[0], {
          server: "piecework",
          connections: 20,
          firstBytes: 20,
          whole: 20,
          wrong: 0
        })
      }),
    120_000
  )
})
