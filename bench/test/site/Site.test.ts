import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, Layer, Result, Schedule } from "effect"
import { Meter } from "../../src/Meter.ts"
import * as Maker from "../../src/site/Maker.ts"
import * as Namespaces from "../../src/site/Namespaces.ts"
import * as Site from "../../src/site/Site.ts"

const options: Site.Options = {
  site: {
    devices: 2,
    sites: 1,
    bytes: 12_000_000,
    wan: 100e6,
    lan: 1e9,
    rttMillis: 20,
    loss: 0,
    churn: 0,
    staggerMillis: 0,
    service: "up"
  },
  runs: 1,
  tools: ["piecework"],
  limitSeconds: 80,
  note: () => Effect.void
}

/** Namespaces that this thread has left. */
const left = Effect.zipWith(Namespaces.list, Maker.ownPrefix, (names, own) =>
  names.filter((name) => name.startsWith(own))
)

layer(Layer.provideMerge(Meter.layer, NodeServices.layer), { excludeTestServices: true })("Site", (it) => {
  it.effect(
    "brings a file to two devices over one line and leaves nothing behind, where there are root and iproute2",
    (context) =>
      Effect.gen(function* () {
        if (Result.isFailure(yield* Effect.result(Namespaces.means))) return context.skip()
        const { results } = yield* Site.run(options)
        const piecework = results[0]
        assert.isDefined(piecework)
        assert.strictEqual(piecework.verified, 2, piecework.failures.join("\n"))
        assert.isAtLeast(piecework.originCopies ?? 0, 1)
        assert.isAtLeast(piecework.wanCopies ?? 0, 1.04)
        assert.isBelow(piecework.wanCopies ?? 9, 2.2)
        // Nothing is faster than the line.
        assert.isAtLeast(piecework.medianOverIdeal ?? 0, 0.9)
        assert.deepStrictEqual(yield* left, [])
      }),
    120_000
  )

  it.effect(
    "takes its namespaces away when it is interrupted, where there are root and iproute2",
    (context) =>
      Effect.gen(function* () {
        if (Result.isFailure(yield* Effect.result(Namespaces.means))) return context.skip()
        const running = yield* Effect.forkChild(Site.run(options))
        yield* Effect.repeat(left, { until: (names) => names.length > 4, schedule: Schedule.spaced("20 millis") })
        yield* Fiber.interrupt(running)
        assert.deepStrictEqual(yield* left, [])
      }),
    120_000
  )
})
