import { spawn } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { assert, describe, it } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Context, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Outbox } from "../src/Outbox.ts"
import * as OutboxConfig from "../src/OutboxConfig.ts"
import { completed, day, noon } from "./support/events.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "piecework-outbox-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const config = OutboxConfig.layer({ mostEvents: 20 })

const inFolder = (directory: string) =>
  Effect.map(
    Layer.build(Layer.fresh(Outbox.layer(directory).pipe(Layer.provide([NodeServices.layer, config])))),
    Context.get(Outbox)
  )

const outboxes = {
  "in memory": Effect.map(
    Layer.build(Layer.fresh(Outbox.layerMemory.pipe(Layer.provide(config)))),
    Context.get(Outbox)
  ),
  "in a folder": Effect.flatMap(folder, (directory) => inFolder(join(directory, "made", "when needed")))
}

const all = { events: 1000, bytes: 1_000_000 }
const idsOf = (events: ReadonlyArray<{ readonly eventId: string }>) => events.map(({ eventId }) => eventId)

for (const [name, make] of Object.entries(outboxes)) {
  describe(`An outbox ${name}`, () => {
    it.effect("gives the oldest first, until they are removed", () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(noon)
        const outbox = yield* make
        assert.deepStrictEqual(yield* outbox.oldest(all), [])
        const [a, b, c] = [noon - 30, noon - 10, noon - 20].map((time) => completed({ time }))
        if (a === undefined || b === undefined || c === undefined) return assert.fail("three")
        for (const event of [a, b, c, c]) yield* outbox.put(event)
        assert.deepStrictEqual(yield* outbox.oldest(all), [a, c, b])
        assert.deepStrictEqual(yield* outbox.oldest({ ...all, events: 2 }), [a, c])
        yield* outbox.remove([c.eventId, c.eventId])
        yield* outbox.remove([c.eventId])
        assert.deepStrictEqual(yield* outbox.oldest(all), [a, b])
      })
    )

    it.effect("gives no more bytes than fit, but one event at least", () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(noon)
        const outbox = yield* make
        for (let n = 0; n < 5; n++) yield* outbox.put(completed({ time: noon + n }))
        const size = JSON.stringify((yield* outbox.oldest({ ...all, events: 1 }))[0]).length + 1
        assert.strictEqual((yield* outbox.oldest({ ...all, bytes: 3 * size })).length, 3)
        assert.strictEqual((yield* outbox.oldest({ ...all, bytes: 3 * size - 1 })).length, 2)
        assert.strictEqual((yield* outbox.oldest({ ...all, bytes: 1 })).length, 1)
      })
    )

    it.effect("drops the oldest of too many, and says how many in all", () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(noon)
        const outbox = yield* make
        for (let n = 0; n < 200; n++) {
          yield* outbox.put(completed({ time: yield* Effect.map(TestClock.adjust(1), () => noon + n + 1) }))
          assert.isAtMost((yield* outbox.oldest(all)).length, 20)
        }
        const held = yield* outbox.oldest(all)
        const events = held.filter(({ _tag }) => _tag === "DownloadCompleted")
        const lost = held.reduce((sum, event) => sum + (event._tag === "EventsLost" ? event.count : 0), 0)
        assert.strictEqual(events.length + lost, 200)
        assert.deepStrictEqual(
          events.map(({ time }) => time),
          events.map((_, n) => noon + 201 - events.length + n)
        )
      })
    )

    it.effect("drops what is too old to be in any report, and says so", () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(noon)
        const outbox = yield* make
        const young = completed({ time: noon + day })
        for (const event of [completed(), completed(), young]) yield* outbox.put(event)
        yield* TestClock.adjust("28 days")
        assert.strictEqual((yield* outbox.oldest(all)).length, 3)
        yield* TestClock.adjust(1)
        const held = yield* outbox.oldest(all)
        assert.deepStrictEqual(
          held.map((event) => (event._tag === "EventsLost" ? event.count : event.eventId)),
          [young.eventId, 2]
        )
      })
    )
  })
}

describe("An outbox's folder", () => {
  it.effect("may be shared by two, which lose an event once", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(noon)
      const directory = yield* folder
      const [one, two] = [yield* inFolder(directory), yield* inFolder(directory)]
      const events = Array.from({ length: 60 }, (_, n) => completed({ time: noon + n }))
      yield* Effect.forEach(events, (event, n) => (n % 2 === 0 ? one : two).put(event), { concurrency: 8 })
      const held = yield* two.oldest(all)
      const lost = held.reduce((sum, event) => sum + (event._tag === "EventsLost" ? event.count : 0), 0)
      assert.strictEqual(held.filter(({ _tag }) => _tag === "DownloadCompleted").length + lost, 60)
    })
  )

  it.effect("counts what is no event as one that is lost, and leaves alone what is not its own", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(noon)
      const directory = yield* folder
      const outbox = yield* inFolder(directory)
      const good = completed()
      yield* outbox.put(good)
      const named = (n: number) =>
        join(directory, `${String(noon - n).padStart(16, "0")}-${String(n).padStart(32, "0")}.json`)
      writeFileSync(named(1), "")
      writeFileSync(named(2), '{"_tag":"DownloadStarted"}')
      writeFileSync(named(3), "x".repeat(20_000))
      mkdirSync(named(4))
      writeFileSync(join(directory, "note.txt"), "mine")
      assert.deepStrictEqual(idsOf(yield* outbox.oldest(all)), [good.eventId])
      const [, lost] = yield* outbox.oldest(all)
      assert.strictEqual(lost?._tag === "EventsLost" ? lost.count : 0, 4)
      assert.isTrue(existsSync(join(directory, "note.txt")))
      assert.isFalse(existsSync(named(4)))
    })
  )

  it.live("is rid of what a killed process left half written, once it is old", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const [old, young] = [join(directory, "a.json.1.draft"), join(directory, "b.json.2.draft")]
      for (const file of [old, young]) writeFileSync(file, "{")
      const before = new Date(Date.now() - 2 * 3_600_000)
      utimesSync(old, before, before)
      yield* inFolder(directory)
      assert.deepStrictEqual(readdirSync(directory), ["b.json.2.draft"])
    })
  )

  it.effect("that cannot be written is told in a sentence", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      writeFileSync(join(directory, "file"), "")
      const outbox = yield* inFolder(join(directory, "file"))
      const error = yield* Effect.flip(outbox.put(completed()))
      assert.strictEqual(
        error.message,
        `The reports to the service in ${join(directory, "file")} cannot be written; --no-reports goes without.`
      )
    })
  )
})

/** Runs `putter.ts` until it has said so many lines, kills it, and answers the lines. */
const killedAfter = (directory: string, count: number) =>
  Effect.callback<ReadonlyArray<string>>((resume) => {
    const program = new URL("./support/putter.ts", import.meta.url).pathname
    const child = spawn(process.execPath, ["--conditions=source", program, directory], {
      stdio: ["ignore", "pipe", "inherit"]
    })
    const lines: Array<string> = []
    createInterface({ input: child.stdout }).on("line", (line) => {
      lines.push(line)
      if (lines.length === count) child.kill("SIGKILL")
    })
    child.on("close", () => resume(Effect.succeed(lines)))
    return Effect.sync(() => void child.kill("SIGKILL"))
  })

describe("A process that is killed", () => {
  it.live("has left every event that it was told is kept, whole", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const kept: Array<string> = []
      for (const count of [1, 37, 120]) kept.push(...(yield* killedAfter(directory, count)))
      const outbox = yield* Effect.map(
        Layer.build(
          Outbox.layer(directory).pipe(Layer.provide([NodeServices.layer, OutboxConfig.layer({ mostEvents: 1000 })]))
        ),
        Context.get(Outbox)
      )
      const held = yield* outbox.oldest(all)
      assert.includeMembers(idsOf(held), kept)
      assert.isAtLeast(kept.length, 158)
      assert.isTrue(
        held.every(({ _tag }) => _tag === "DownloadCompleted"),
        "none was half written"
      )
    })
  )
})
