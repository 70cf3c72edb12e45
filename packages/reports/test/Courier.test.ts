import { assert, describe, it } from "@effect/vitest"
import { Cloud } from "@piecework/cloud/Cloud"
import * as CloudConfig from "@piecework/cloud/CloudConfig"
import type { CloudError } from "@piecework/cloud/CloudError"
import type { ReportRequest } from "@piecework/cloud/ReportRpcs"
import { Context, Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Courier, pause } from "../src/Courier.ts"
import * as CourierConfig from "../src/CourierConfig.ts"
import { Outbox } from "../src/Outbox.ts"
import * as OutboxConfig from "../src/OutboxConfig.ts"
import { completed, deviceId, noon } from "./support/events.ts"

/** A courier, its outbox, what the service has got, and a switch for how the service fails. */
const start = Effect.gen(function* () {
  yield* TestClock.setTime(noon)
  const got: Array<ReportRequest> = []
  const service: { failing: CloudError["reason"] | undefined } = { failing: undefined }
  const cloud = Cloud.layerTest({
    onReport: (request) => void got.push(request),
    failing: (role) => (role === "Reports" ? service.failing : undefined)
  }).pipe(Layer.provide(CloudConfig.layer()))
  const layer = Courier.layer.pipe(
    Layer.provide([
      cloud,
      CourierConfig.layer({ deviceId: deviceId(1), clientVersion: "1", osVersion: "x".repeat(99) })
    ]),
    Layer.provideMerge(Outbox.layerMemory),
    Layer.provide(OutboxConfig.layer())
  )
  const context = yield* Layer.build(Layer.fresh(layer))
  return { courier: Context.get(context, Courier), outbox: Context.get(context, Outbox), got, service }
})

/** In steps, so that calls end while the clock stands. */
const pass = (seconds: number) => Effect.repeat(TestClock.adjust("5 seconds"), { times: Math.ceil(seconds / 5) - 1 })

const held = (outbox: Outbox["Service"]) =>
  Effect.map(outbox.oldest({ events: 1000, bytes: 1_000_000 }), (events) => events.length)

describe("The courier", () => {
  it.effect("brings everything there is in batches that a service takes", () =>
    Effect.gen(function* () {
      const { courier, got, outbox } = yield* start
      assert.strictEqual(yield* courier.flush, 0)
      assert.deepStrictEqual(got, [], "nothing is sent when there is nothing")
      const events = Array.from({ length: 150 }, (_, n) => completed({ time: noon + n, cdnUrl: "u".repeat(2000) }))
      for (const event of events) yield* outbox.put(event)
      assert.strictEqual(yield* courier.flush, 150)
      assert.strictEqual(yield* held(outbox), 0)
      for (const request of got) {
        assert.isAtMost(request.events.length, 64)
        assert.isAtMost(JSON.stringify(request).length, 65_536)
      }
      assert.deepStrictEqual(
        got.flatMap((request) => request.events.map(({ eventId }) => eventId)),
        events.map(({ eventId }) => eventId)
      )
      assert.deepStrictEqual([got[0]?.sentAt, got[0]?.osVersion], [noon, "x".repeat(64)])
    })
  )

  it.effect("keeps what the service did not take", () =>
    Effect.gen(function* () {
      const { courier, outbox, service } = yield* start
      yield* outbox.put(completed())
      for (const reason of ["Unreachable", "Unintelligible", "Refused"] as const) {
        service.failing = reason
        const error = yield* Effect.flip(courier.flush)
        assert.strictEqual(error._tag === "CloudError" ? error.reason : error._tag, reason)
      }
      assert.strictEqual(yield* held(outbox), 1)
      service.failing = undefined
      assert.strictEqual(yield* courier.flush, 1)
      assert.strictEqual(yield* held(outbox), 0)
    })
  )

  it.effect("comes less and less often while the service is away, and brings it all once it is back", () =>
    Effect.gen(function* () {
      const { courier, got, outbox, service } = yield* start
      const fiber = yield* Effect.forkChild(courier.keepSending)
      yield* outbox.put(completed())
      service.failing = "Unreachable"
      yield* pass(6 * 3600)
      assert.strictEqual(yield* held(outbox), 1)
      service.failing = undefined
      yield* pass(46 * 60)
      assert.strictEqual(yield* held(outbox), 0)
      assert.strictEqual(got.length, 1)
      // What another process has left meanwhile goes within a minute and a half.
      yield* outbox.put(completed())
      yield* pass(95)
      assert.strictEqual(yield* held(outbox), 0)
      yield* Fiber.interrupt(fiber)
    })
  )

  it("pauses from half of the time to one and a half of it, longer after each failure, to a limit", () => {
    const { defaults } = CourierConfig
    const middles = [0, 1, 2, 3, 8, 1000].map((failures) => pause(failures, 0.5, defaults) / 1000)
    assert.deepStrictEqual(middles, [60, 30, 60, 120, 1800, 1800])
    assert.deepStrictEqual([pause(1, 0, defaults), pause(1, 0.999, defaults)], [15_000, 44_970])
  })
})
