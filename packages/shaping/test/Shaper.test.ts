import { assert, describe, it } from "@effect/vitest"
import type { SourceKind } from "@piecework/domain/SourceKind"
import type { Priority } from "@piecework/policy/Facts"
import * as LivePolicy from "@piecework/policy/LivePolicy"
import * as Policy from "@piecework/policy/Policy"
import type { ByteStream } from "@piecework/transport/ByteStream"
import { MemoryNetwork } from "@piecework/transport/MemoryNetwork"
import { ByteSize, Clock, Effect, FileSystem, Layer, PlatformError } from "effect"
import { TestClock } from "effect/testing"
import { Shaper, layer as shaperLayer, trickle } from "../src/Shaper.ts"

const far = "203.0.113.9"
const settings = (values: Record<string, unknown>) => Policy.resolve([{ provider: "MachineFile", values }])
const kilo = 1024

/** A file system that keeps one small file in memory. */
const remembering = () => {
  const files = new Map<string, string>()
  const layer = FileSystem.layerNoop({
    stat: (path) =>
      files.has(path)
        ? Effect.succeed({ size: ByteSize.bytes(files.get(path)?.length ?? 0) } as FileSystem.File.Info)
        : Effect.fail(PlatformError.systemError({ _tag: "NotFound", module: "FileSystem", method: "stat" })),
    readFileString: (path) => Effect.succeed(files.get(path) ?? ""),
    writeFileString: (path, text) => Effect.sync(() => void files.set(path, text)),
    rename: (from, to) =>
      Effect.sync(() => {
        files.set(to, files.get(from) ?? "")
        files.delete(from)
      })
  })
  return { files, layer }
}

const scene = (
  policy: LivePolicy.LivePolicy,
  options: {
    readonly file?: string
    readonly files?: Layer.Layer<FileSystem.FileSystem>
    readonly wall?: Clock.Clock
  } = {}
) =>
  shaperLayer({ file: options.file }).pipe(
    Layer.provide(options.wall === undefined ? Layer.empty : Layer.succeed(Clock.Clock, options.wall)),
    Layer.provideMerge(Layer.succeed(LivePolicy.LivePolicy, policy)),
    Layer.provide(options.files ?? FileSystem.layerNoop({})),
    Layer.provideMerge(MemoryNetwork.layer({ link: () => ({ lines: [{ bytesPerSecond: 2_000_000 }] }) }))
  )

const local = (hour: number, minute: number) => new Date(2026, 2, 10, hour, minute).getTime()

/** A stream to a sender that never stops, and what was read of it. */
const download = Effect.fnUntraced(function* (kind: SourceKind, priority: Priority, host = far) {
  const network = yield* MemoryNetwork
  const shaper = yield* Shaper
  const port = nextPort++
  yield* network
    .transport(host)
    .listen({ host, port }, (stream: ByteStream) =>
      Effect.ignore(Effect.forever(stream.write([new Uint8Array(65_536)])))
    )
  const stream = yield* network.transport("me").dial({ host, port })
  const flow = shaper.flow({ stream, kind, priority })
  yield* Effect.addFinalizer(() => Effect.sync(flow.close))
  const reading = Effect.forever(stream.fill(new Uint8Array(65_536)))
  yield* Effect.forkScoped(Effect.andThen(flow.ask(priority, Infinity), reading))
  return { stream, flow, received: () => stream.counters.received }
})
let nextPort = 1

const sumOf = (all: ReadonlyArray<{ readonly received: () => number }>) =>
  all.reduce((bytes, one) => bytes + one.received(), 0)

/** In steps, so that whoever is woken gets to run before the next does. */
const pass = (millis: number) =>
  Effect.forEach(Array.from({ length: millis / 20 }), () => TestClock.adjust(20), { discard: true })

/** Bytes a second that come to all of them together over so many seconds. */
const rateOf = (seconds: number, ...all: ReadonlyArray<{ readonly received: () => number }>) =>
  Effect.gen(function* () {
    const before = sumOf(all)
    yield* pass(seconds * 1000)
    return (sumOf(all) - before) / seconds
  })

const isAbout = (actual: number, limit: number) => {
  assert.isAtMost(actual, limit * 1.02)
  assert.isAtLeast(actual, limit * 0.93)
}

describe("Shaper", () => {
  it.effect("holds the sum over all downloads of one priority to the limit, and leaves peers of the site alone", () => {
    const policy = LivePolicy.constant(settings({ DOMaxForegroundDownloadBandwidth: 500 }))
    return Effect.gen(function* () {
      const origin = yield* download("Origin", "Foreground")
      const peer = yield* download("Internet", "Foreground")
      const neighbour = yield* download("Lan", "Foreground")
      yield* pass(5000)
      isAbout(yield* rateOf(30, origin, peer), 500 * kilo)
      assert.isAbove(yield* rateOf(5, neighbour), 1_500_000)
      const holding = (yield* Shaper).holding("Foreground")
      assert.deepStrictEqual(holding, { rate: 500 * kilo, setting: "DOMaxForegroundDownloadBandwidth" })
    }).pipe(Effect.scoped, Effect.provide(scene(policy)))
  })

  it.effect("limits nothing where nothing is limited", () =>
    Effect.gen(function* () {
      const origin = yield* download("Origin", "Foreground")
      assert.isAbove(yield* rateOf(5, origin), 1_500_000)
      assert.isUndefined((yield* Shaper).holding("Foreground"))
      assert.strictEqual((yield* Shaper).part("Foreground", 1000), Infinity)
    }).pipe(Effect.scoped, Effect.provide(scene(LivePolicy.constant(Policy.defaults))))
  )

  it.effect("carries out a setting that changes while bytes come, and one that goes", () => {
    const policy = LivePolicy.changing(Policy.defaults)
    return Effect.gen(function* () {
      const origin = yield* download("Origin", "Foreground")
      assert.isAbove(yield* rateOf(5, origin), 1_500_000)
      policy.set(settings({ DOMaxForegroundDownloadBandwidth: 300 }))
      yield* pass(5000)
      isAbout(yield* rateOf(20, origin), 300 * kilo)
      policy.set(settings({ DOMaxForegroundDownloadBandwidth: 900 }))
      yield* pass(5000)
      isAbout(yield* rateOf(20, origin), 900 * kilo)
      policy.set(Policy.defaults)
      assert.isAbove(yield* rateOf(5, origin), 1_500_000)
    }).pipe(Effect.scoped, Effect.provide(scene(policy)))
  })

  it.effect("lets a background download give way while a foreground one takes bytes", () =>
    Effect.gen(function* () {
      const behind = yield* download("Origin", "Background")
      assert.isAbove(yield* rateOf(5, behind), 1_500_000)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const one = yield* download("Origin", "Foreground")
          yield* pass(8000)
          isAbout(yield* rateOf(60, behind), trickle)
          assert.deepStrictEqual((yield* Shaper).holding("Background"), { rate: trickle, setting: undefined })
          assert.isAbove(yield* rateOf(5, one), 1_500_000)
        })
      )
      yield* pass(5000)
      assert.isAbove(yield* rateOf(5, behind), 1_500_000)
    }).pipe(Effect.scoped, Effect.provide(scene(LivePolicy.constant(Policy.defaults))))
  )

  it.effect("takes a share of what the line was seen to carry, and remembers it over a restart", () => {
    const { files, layer } = remembering()
    const policy = LivePolicy.constant(settings({ DOPercentageMaxForegroundBandwidth: 50 }))
    const measured = Effect.gen(function* () {
      const origin = yield* download("Origin", "Foreground")
      // Before it was seen a share limits nothing.
      assert.isAbove(yield* rateOf(2, origin), 1_500_000)
      yield* pass(6000)
      const { down } = (yield* Shaper).capacity()
      assert.isAtLeast(down ?? 0, 1_600_000)
      isAbout(yield* rateOf(10, origin), (down ?? 0) / 2)
    }).pipe(Effect.scoped, Effect.provide(scene(policy, { file: "line.json", files: layer })))
    const again = Effect.gen(function* () {
      const origin = yield* download("Origin", "Foreground")
      yield* pass(1000)
      isAbout(yield* rateOf(10, origin), ((yield* Shaper).capacity().down ?? 0) / 2)
    }).pipe(Effect.scoped, Effect.provide(scene(policy, { file: "line.json", files: layer })))
    return Effect.andThen(
      measured,
      Effect.andThen(
        Effect.sync(() => assert.isTrue(files.has("line.json"))),
        again
      )
    )
  })

  it.effect("does not take its own limit for what the line can carry", () => {
    const values = { DOMaxForegroundDownloadBandwidth: 500, DOPercentageMaxForegroundBandwidth: 50 }
    return Effect.gen(function* () {
      const origin = yield* download("Origin", "Foreground")
      yield* pass(5000)
      isAbout(yield* rateOf(20, origin), 500 * kilo)
      assert.isUndefined((yield* Shaper).capacity().down)
    }).pipe(Effect.scoped, Effect.provide(scene(LivePolicy.constant(settings(values)))))
  })

  it.effect("switches with the hour, over midnight too, and when the clock is set", () => {
    const { files, layer } = remembering()
    const policy = LivePolicy.constant(settings({ DOSetHoursToLimitForegroundDownloadBandwidth: "22,6,20,80" }))
    return Effect.gen(function* () {
      const clock = yield* Clock.Clock
      // The clock on the wall, which can be set while the time goes on.
      let set = local(21, 59) + 30_000
      const wall: Clock.Clock = Object.create(clock, {
        currentTimeMillisUnsafe: { value: () => clock.currentTimeMillisUnsafe() + set }
      })
      files.set("line.json", JSON.stringify({ down: { rate: 1_000_000, at: set } }))
      yield* Effect.gen(function* () {
        const origin = yield* download("Origin", "Foreground")
        yield* pass(4000)
        isAbout(yield* rateOf(20, origin), 800_000)
        // It is ten o'clock in the evening.
        yield* pass(8000)
        isAbout(yield* rateOf(20, origin), 200_000)
        set = local(24, 10)
        yield* pass(2000)
        isAbout(yield* rateOf(20, origin), 200_000)
        set = local(24 + 6, 0)
        yield* pass(3000)
        isAbout(yield* rateOf(20, origin), 800_000)
        set = local(23, 0)
        yield* pass(3000)
        isAbout(yield* rateOf(20, origin), 200_000)
      }).pipe(Effect.scoped, Effect.provide(scene(policy, { file: "line.json", files: layer, wall })))
    })
  })

  it.effect("lets no more be sent beyond the site than the limit", () => {
    const policy = LivePolicy.constant(settings({ DOMaxUploadBandwidth: 100 }))
    return Effect.gen(function* () {
      const { gate } = (yield* download("Internet", "Foreground")).flow
      if (gate === undefined) return assert.fail("no gate")
      let sent = 0
      const send = () => {
        for (let bytes = gate.take(262_144, send); bytes > 0; bytes = gate.take(262_144, send)) sent += bytes
      }
      send()
      yield* pass(2000)
      const before = sent
      yield* TestClock.adjust(20_000)
      isAbout((sent - before) / 20, 100 * kilo)
      assert.isUndefined((yield* download("Lan", "Foreground")).flow.gate)
    }).pipe(Effect.scoped, Effect.provide(scene(policy)))
  })
})
