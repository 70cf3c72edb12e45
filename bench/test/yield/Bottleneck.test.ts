import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Result, Schema } from "effect"
import * as Apps from "../../src/Apps.ts"
import { Meter } from "../../src/Meter.ts"
import { inside } from "../../src/site/Contestant.ts"
import * as Namespaces from "../../src/site/Namespaces.ts"
import * as Bottleneck from "../../src/yield/Bottleneck.ts"
import * as YieldReport from "../../src/yield/YieldReport.ts"

const options = { rate: 10e6, queueBytes: 200_000, rttMillis: 0, congestion: "reno" }

layer(Layer.provideMerge(Meter.layer, NodeServices.layer), { excludeTestServices: true })("Bottleneck", (it) => {
  it.effect(
    "carries a bulk flow at its rate and no faster, with datagrams waiting behind it, where there are root and iproute2",
    (context) =>
      Effect.gen(function* () {
        const means = yield* Effect.result(Namespaces.means)
        if (Result.isFailure(means)) return context.skip()
        const { receiver, sender } = yield* Namespaces.build((prefix) =>
          Bottleneck.plan(prefix, options, means.success)
        )
        const meter = yield* Meter
        const sink = yield* meter.start(inside(receiver.namespace, Apps.flow(["sink", receiver.address, "5001"])))
        yield* sink.firstLine
        const drive = inside(sender.namespace, Apps.flow(["drive", receiver.address, "5001", "4", "bulk"]))
        const { stdout } = yield* meter.run(drive, 30_000)
        const flow = yield* Schema.decodeUnknownEffect(Schema.fromJsonString(YieldReport.Flow))(stdout.trim())
        assert.isAbove(flow.bitsPerSecond, 0.5 * options.rate)
        assert.isBelow(flow.bitsPerSecond, 1.02 * options.rate)
        assert.isAbove(flow.trips.length, 20)
        assert.isAbove(YieldReport.quantile(flow.trips, 0.95), 50)
      }).pipe(Effect.scoped),
    60_000
  )
})
