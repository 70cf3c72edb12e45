import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { threadId } from "node:worker_threads"
import { assert, describe, it } from "@effect/vitest"
import { Journal, LogConfig, type LogEntry, LogFolder, LogReader, Logs } from "@piecework/logs"
import { Effect, Fiber, Logger, References, Schema } from "effect"
import { TestClock } from "effect/testing"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "piecework-logs-"))),
  (made) => Effect.sync(() => rmSync(made, { recursive: true, force: true }))
).pipe(Effect.map((made) => join(made, "logs")))

const all = Effect.fnUntraced(function* (made: string) {
  const entries: Array<LogEntry.LogEntry> = []
  yield* LogReader.forEach({ folder: made, wanted: { level: 5 } }, (one) => Effect.sync(() => void entries.push(one)))
  return entries
})

const kept = (made: string, options: Partial<Logs.Options> = {}) =>
  Logs.kept({ program: "test", folder: made, format: "text", config: LogConfig.defaults, ...options })

class Refused extends Schema.TaggedError<Refused>()("Refused", { reason: Schema.Literals(["Full"]) }) {
  override get message(): string {
    return "There is no room."
  }
}

/** With a number of Delivery Optimization. */
class Numbered extends Schema.TaggedError<Numbered>()("Numbered", { doCode: Schema.Int }) {}

/** Takes what would be said on standard error. */
const listening = (lines: Array<string>) =>
  Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))])

describe("Logs", () => {
  it.effect("gives each entry its time, level, function, line, code and notes", () =>
    Effect.gen(function* () {
      const made = yield* folder
      const work = Effect.fn("Room.work")(function* () {
        yield* Effect.logWarning(new Refused({ reason: "Full" }), { content: "DO-1" }).pipe(
          Effect.annotateLogs({ peer: "p" })
        )
        yield* Effect.logError("A disk is broken.", Object.assign(new Error("no"), { code: "EIO" }))
        yield* Effect.logFatal("It ends.", new Numbered({ doCode: 0x80d02002 }))
      })
      yield* TestClock.setTime(Date.parse("2026-01-31T08:00:00.123Z"))
      yield* work().pipe(kept(made), Effect.provide(listening([])))
      const entries = yield* all(made)
      const line = entries[0]?.LineNumber ?? 0
      assert.match(readFileSync(import.meta.filename, "utf8").split("\n")[line - 1] ?? "", /Effect\.fn\("Room\.work"\)/)
      const common = {
        TimeCreated: "2026-01-31T08:00:00.123Z",
        ProcessId: process.pid,
        ThreadId: threadId,
        Function: "Room.work",
        LineNumber: line,
        Program: "test"
      }
      const cause = entries[1]?.Cause
      assert.match(cause ?? "", /^Error: no\n {4}at /)
      assert.deepStrictEqual(entries, [
        {
          ...common,
          Level: 3,
          LevelName: "Warning",
          Message: "There is no room.",
          ErrorCode: "Refused.Full",
          Annotations: { peer: "p", content: "DO-1" }
        },
        {
          ...common,
          Level: 2,
          LevelName: "Error",
          Message: "A disk is broken. no",
          ErrorCode: "EIO",
          Annotations: {},
          Cause: cause ?? ""
        },
        {
          ...common,
          Level: 1,
          LevelName: "Critical",
          Message: "It ends. Numbered",
          ErrorCode: "0x80d02002",
          Annotations: {}
        }
      ])
    }).pipe(Effect.scoped)
  )

  it.effect("writes nothing, and makes no folder, while nothing is said", () =>
    Effect.gen(function* () {
      const made = yield* folder
      yield* Effect.logDebug("nobody wants that").pipe(kept(made))
      assert.isFalse(existsSync(made))
    }).pipe(Effect.scoped)
  )

  it.effect("has entries wait for each other half a second, but no error", () =>
    Effect.gen(function* () {
      const made = yield* folder
      const isThere = () => existsSync(made) && readdirSync(made).length > 0
      const work = Effect.gen(function* () {
        yield* Journal.note(() => ["a note"])
        yield* TestClock.adjust("499 millis")
        assert.isFalse(isThere())
        yield* TestClock.adjust("1 millis")
        assert.isTrue(isThere())
        rmSync(made, { recursive: true })
        yield* Effect.logError("an error")
        assert.isTrue(isThere())
      })
      yield* work.pipe(kept(made), Effect.provide(listening([])))
    }).pipe(Effect.scoped)
  )

  it.effect("begins and ends verbose entries within a second of being told, and does not make them before", () =>
    Effect.gen(function* () {
      const made = yield* folder
      let count = 0
      const say = Journal.verbose(() => {
        count++
        return ["looked closely", { count }]
      })
      const shown: Array<string> = []
      const work = Effect.gen(function* () {
        yield* say
        assert.strictEqual(count, 0)
        yield* Effect.promise(() => LogFolder.setVerbose(made, true))
        yield* TestClock.adjust("1 second")
        yield* say
        yield* Effect.logDebug("as this one")
        yield* Effect.promise(() => LogFolder.setVerbose(made, false))
        yield* TestClock.adjust("1 second")
        yield* say
        yield* Effect.logDebug("not this one")
      })
      yield* work.pipe(kept(made), Effect.provide(listening(shown)))
      assert.strictEqual(count, 1)
      assert.deepStrictEqual(
        (yield* all(made)).map(({ LevelName, Message }) => [LevelName, Message]),
        [
          ["Verbose", "looked closely"],
          ["Verbose", "as this one"]
        ]
      )
      // Whoever watches did not ask for it.
      assert.deepStrictEqual(shown, [])
    }).pipe(Effect.scoped)
  )

  it.effect("is verbose from the start where that was said before", () =>
    Effect.gen(function* () {
      const made = yield* folder
      yield* Effect.promise(() => LogFolder.setVerbose(made, true))
      yield* Journal.verboseNote(() => ["at once"]).pipe(kept(made))
      assert.deepStrictEqual(
        (yield* all(made)).map(({ Message }) => Message),
        ["at once"]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("says on standard error what its level lets through, and notes to the files alone", () =>
    Effect.gen(function* () {
      const made = yield* folder
      const shown: Array<string> = []
      const work = Effect.gen(function* () {
        yield* Effect.logInfo("info")
        yield* Effect.logWarning("warning")
        yield* Journal.note(() => ["note"])
      })
      yield* work.pipe(
        kept(made),
        Effect.provide(listening(shown)),
        Effect.provideService(References.MinimumLogLevel, "Warn")
      )
      assert.deepStrictEqual(shown, ["warning"])
      assert.deepStrictEqual(
        (yield* all(made)).map(({ Message }) => Message),
        ["info", "warning", "note"]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("tells what a program ended with", () =>
    Effect.gen(function* () {
      const made = yield* folder
      yield* Effect.ignore(Effect.fail(new Refused({ reason: "Full" })).pipe(kept(made)))
      const running = yield* Effect.forkChild(Effect.never.pipe(kept(made)))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(running)
      assert.deepStrictEqual(
        (yield* all(made)).map(({ ErrorCode, LevelName, Message }) => [LevelName, ErrorCode, Message]),
        [
          ["Error", "Refused.Full", "The program failed: There is no room."],
          ["Info", "", "The program was told to stop."]
        ]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("does not stop a program that nobody keeps a log of", () =>
    Effect.gen(function* () {
      yield* Journal.note(() => assert.fail("nobody reads it"))
      yield* Journal.verbose(() => assert.fail("nobody reads it"))
      const write = yield* Journal.pen
      write(() => assert.fail("nobody reads it"))
    })
  )
})
