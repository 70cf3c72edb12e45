import { assert, describe, it } from "@effect/vitest"
import { ContentUrl } from "@piecework/domain"
import type { HttpBody } from "@piecework/sources/HttpClient"
import type { Origin, Probe } from "@piecework/sources/Origin"
import { SourceError, SourceId } from "@piecework/sources/PieceSource"
import { Clock, Duration, Effect, Fiber, Result } from "effect"
import { TestClock } from "effect/testing"
import * as SteadyBody from "../src/SteadyBody.ts"

const url = Result.getOrThrow(ContentUrl.parse("http://origin.test/file"))
const closed = new SourceError({ source: SourceId.make("origin:http://origin.test"), reason: "Closed", url })
const broken: HttpBody = { fill: () => Effect.fail(closed) as never, received: () => 0 }
const probe: Probe = {
  kind: "Origin",
  status: 200,
  headers: new Map(),
  lines: [],
  address: undefined,
  began: { url, address: undefined },
  url,
  contentLength: 10,
  contentRange: undefined,
  body: broken,
  size: 10,
  ranges: true,
  validator: '"a"',
  contentType: undefined
}
const origin: Origin = {
  id: closed.source,
  kind: "Origin",
  url,
  probe: () => Effect.succeed(probe),
  stream: () => Effect.fail(closed),
  fetch: () => Effect.fail(closed),
  received: () => 0
}

/** Sends so many bytes in a millisecond, and notes how many it was asked for at a time. */
const line = (bytesPerMilli: number) => {
  const asked: Array<number> = []
  const body: HttpBody = {
    fill: (target) => {
      asked.push(target.length)
      return Effect.as(Effect.sleep(target.length / bytesPerMilli), target.length)
    },
    received: () => 0
  }
  const size = 8 * 1_048_576
  return { asked, probe: { ...probe, body, contentLength: size, size, ranges: false } }
}
const read = (from: Probe) =>
  Effect.gen(function* () {
    const body = yield* SteadyBody.make({ origin, probe: from, from: 0, patience: Duration.minutes(5) })
    const piece = new Uint8Array(1_048_576)
    const reading = yield* Effect.forkChild(Effect.repeat(body.fill(piece), { times: 3 }))
    yield* TestClock.adjust("10 minutes")
    yield* Fiber.join(reading)
  })

describe("a body that mends itself", () => {
  it.effect("asks for little at a time while little comes, for that much is lost with the connection", () =>
    Effect.gen(function* () {
      const slow = line(100)
      yield* read(slow.probe)
      assert.deepStrictEqual(
        slow.asked,
        Array.from({ length: 16 }, () => 262_144)
      )
    })
  )

  it.effect("asks for a whole piece at a time once much comes", () =>
    Effect.gen(function* () {
      const fast = line(1_000_000)
      yield* read(fast.probe)
      assert.deepStrictEqual(fast.asked, [262_144, 524_288, 262_144, 1_048_576, 1_048_576, 1_048_576])
    })
  )

  it.effect("counts from its last byte on, not from when its connection says that nothing comes", () =>
    Effect.gen(function* () {
      const stalled = new SourceError({ source: origin.id, reason: "Stalled", url })
      const late: HttpBody = {
        fill: () => Effect.delay(Effect.fail(stalled), "40 seconds") as never,
        received: () => 0
      }
      const silent = { ...probe, body: late }
      const body = yield* SteadyBody.make({ origin, probe: silent, from: 0, patience: Duration.seconds(30) })
      const ending = yield* Effect.forkChild(
        Effect.flatMap(Effect.flip(body.fill(new Uint8Array(10))), (error) =>
          Effect.map(Clock.currentTimeMillis, (now) => [error, now] as const)
        )
      )
      yield* TestClock.adjust("5 minutes")
      const [error, now] = yield* Fiber.join(ending)
      assert.strictEqual(now, 40_000)
      assert.include(error.message, "for 40 s")
    })
  )

  it.effect("gives up when it was told to, not when its next attempt would have been", () =>
    Effect.gen(function* () {
      const body = yield* SteadyBody.make({ origin, probe, from: 0, patience: Duration.seconds(10) })
      const ending = yield* Effect.forkChild(
        Effect.andThen(Effect.flip(body.fill(new Uint8Array(10))), Clock.currentTimeMillis)
      )
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* Fiber.join(ending), 10_000)
    })
  )
})
