import { assert, describe, it } from "@effect/vitest"
import { LivePolicy, Policy } from "@piecework/policy"
import { World } from "@piecework/testkit"
import { MemoryNetwork } from "@piecework/transport"
import { Clock, Effect, Fiber } from "effect"
import { download, expectFile } from "./downloads.ts"
import { within } from "./within.ts"

const bytes = World.bytesOf(100 * 4096)
const others = World.bytesOf(100 * 4096).toReversed()

const always = (values: { readonly [name: string]: unknown }) =>
  LivePolicy.constant(Policy.resolve([{ provider: "MachineFile", values }]))

/** The line carries the content in half a second. */
const site = Effect.gen(function* () {
  const line = MemoryNetwork.line(800_000)
  const world = yield* World.make({
    network: { link: (from) => ({ latency: "1 millis", ...(from === World.originHost ? { lines: [line] } : {}) }) }
  })
  const { url } = yield* world.publish("/file", bytes)
  const { url: other } = yield* world.publish("/other", others)
  return { world, url, other }
})

/** Seconds that it takes. */
const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const before = yield* Clock.currentTimeMillis
    yield* effect
    return ((yield* Clock.currentTimeMillis) - before) / 1000
  })

describe("A limit of rate", () => {
  for (const mode of ["Lan", "HttpOnly", "Simple"] as const) {
    it.effect(`holds for a whole download, and it says so (${mode})`, () =>
      Effect.gen(function* () {
        const { world, url } = yield* site
        const client = yield* world.client({ policy: always({ DOMaxForegroundDownloadBandwidth: 40 }) })
        const active = yield* client.start({ url, mode })
        const done = yield* Effect.forkChild(expectFile(client, active, bytes))
        yield* within(
          "5 seconds",
          Effect.repeat(Effect.sleep("100 millis").pipe(Effect.map(() => active.progress().limit)), {
            until: (limit) => limit !== undefined
          })
        )
        assert.deepStrictEqual(active.progress().limit, {
          rate: 40 * 1024,
          setting: "DOMaxForegroundDownloadBandwidth"
        })
        const { durationMillis } = yield* within("20 seconds", Fiber.join(done))
        // Two seconds' worth may come at once at first.
        assert.isAtLeast(durationMillis / 1000, bytes.length / (40 * 1024) - 2)
        assert.isAtMost(durationMillis / 1000, bytes.length / (40 * 1024) + 3)
      })
    )
  }

  it.effect("does not concern what comes from a LAN peer", () =>
    Effect.gen(function* () {
      const { world, url } = yield* site
      yield* download(yield* world.client(), { url }, bytes)
      const policy = always({ DOMaxForegroundDownloadBandwidth: 10, DODelayForegroundDownloadFromHttp: 600 })
      const second = yield* download(yield* world.client({ policy }), { url }, bytes, "5 seconds")
      assert.strictEqual(second.bytes.Lan, bytes.length)
    })
  )

  it.effect("is one for two downloads together", () =>
    Effect.gen(function* () {
      const { world, url, other } = yield* site
      const client = yield* world.client({ policy: always({ DOMaxForegroundDownloadBandwidth: 80 }) })
      const one = yield* client.start({ url, path: "/out/one" })
      const two = yield* client.start({ url: other, path: "/out/two" })
      const both = Effect.all([one.result, two.result], { concurrency: "unbounded" })
      const seconds = yield* timed(within("30 seconds", both))
      assert.isAtLeast(seconds, (2 * bytes.length) / (80 * 1024) - 2)
    })
  )

  it.effect("lets a foreground download go first, and the background one lose nothing but time", () =>
    Effect.gen(function* () {
      const { world, url, other } = yield* site
      const client = yield* world.client({ policy: always({ DOMaxForegroundDownloadBandwidth: 20 }) })
      const first = yield* client.start({ url, path: "/out/one" })
      const behind = yield* client.start({ url: other, path: "/out/two", priority: "Background" })
      const foreground = yield* Effect.forkChild(first.result)
      yield* within("15 seconds", Effect.sleep("14 seconds"))
      const { heldBytes } = behind.progress()
      assert.isAtMost(heldBytes, 17 * 16_384)
      assert.deepStrictEqual(behind.progress().limit, { rate: 16_384, setting: undefined })
      yield* within("15 seconds", Fiber.join(foreground))
      const { waste } = yield* within("30 seconds", behind.result)
      assert.deepStrictEqual(waste, { bad: 0, duplicate: 0, cancelled: 0 })
    })
  )
})
