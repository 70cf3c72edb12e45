import { execFileSync, spawn } from "node:child_process"
import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { type LogEntry, LogFile, LogFolder, LogReader } from "@piecework/logs"
import { Effect } from "effect"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "piecework-logs-"))),
  (made) => Effect.sync(() => rmSync(made, { recursive: true, force: true }))
)

const entry = (n: number, filler = ""): LogEntry.LogEntry => ({
  TimeCreated: new Date(1_700_000_000_000 + n).toISOString(),
  ProcessId: 1,
  ThreadId: 0,
  Level: 4,
  LevelName: "Info",
  Message: `${n}${filler}`,
  Function: "",
  LineNumber: 0,
  ErrorCode: "",
  Program: "test",
  Annotations: {}
})

const line = (n: number, filler = "") => JSON.stringify(entry(n, filler))

const day = 86_400_000

const writing = (made: string, options: Partial<LogFile.LogFileOptions> = {}) =>
  LogFile.make({
    folder: made,
    fileBytes: 10_000,
    files: 3,
    fileAgeMillis: day,
    keepMillis: 28 * day,
    now: () => Date.now(),
    lost: (count, code) => JSON.stringify({ ...entry(0), Message: `lost ${count} ${code}` }),
    ...options
  })

const all = Effect.fnUntraced(function* (made: string) {
  const entries: Array<LogEntry.LogEntry> = []
  const damaged = yield* LogReader.forEach({ folder: made, wanted: { level: 5 } }, (one) =>
    Effect.sync(() => void entries.push(one))
  )
  return { entries, damaged }
})

const files = (made: string) => LogFolder.numbersIn(readdirSync(made)).map(LogFolder.fileName)

/** Starts a process that writes; `begun` when it has written something, `ended` when it is over. */
const writer = (made: string, name: string, count: number) => {
  const child = spawn(
    process.execPath,
    ["--conditions=source", join(import.meta.dirname, "support/writer.ts"), made, name, String(count)],
    { stdio: ["ignore", "pipe", "inherit"] }
  )
  const ended = new Promise<void>((resolve) => child.on("exit", () => resolve()))
  const begun = new Promise<void>((resolve) => child.stdout.once("data", () => resolve()))
  return { process: child, ended, begun }
}

describe("LogFile", () => {
  it.effect("goes on in another file when one is full, and keeps no more than it may", () =>
    Effect.gen(function* () {
      const made = yield* folder
      const file = writing(made)
      for (let n = 0; n < 1_000; n++) {
        file.add(line(n, "x".repeat(100)))
        if (n % 10 === 0) file.flush()
      }
      file.close()
      const kept = files(made)
      assert.strictEqual(kept.length, 3)
      for (const name of kept) assert.isAtMost(statSync(join(made, name)).size, 10_000)
      const { damaged, entries } = yield* all(made)
      assert.strictEqual(damaged, 0)
      // The last ones, without a hole.
      const first = Number.parseInt(entries[0]?.Message ?? "", 10)
      assert.deepStrictEqual(
        entries.map(({ Message }) => Number.parseInt(Message, 10)),
        Array.from({ length: 1_000 - first }, (_, n) => first + n)
      )
    }).pipe(Effect.scoped)
  )

  it.effect("goes on in another file when one is old, and lets go of what nobody wrote to for long", () =>
    Effect.gen(function* () {
      const made = yield* folder
      let now = Date.now()
      const file = writing(made, { now: () => now })
      for (const passed of [0, 2, 3, 40]) {
        now = Date.now() + passed * day
        file.add(line(passed))
        file.flush()
      }
      file.close()
      // Whose files all were written to just now, by the clock of the disk.
      assert.deepStrictEqual(files(made), [LogFolder.fileName(4)])
    }).pipe(Effect.scoped)
  )

  it.effect("can be read by its owner and its group alone", () =>
    Effect.gen(function* () {
      const made = join(yield* folder, "logs")
      const file = writing(made)
      file.add(line(1))
      file.close()
      assert.strictEqual(statSync(made).mode & 0o027, 0)
      for (const name of files(made)) assert.strictEqual(statSync(join(made, name)).mode & 0o137, 0)
    }).pipe(Effect.scoped)
  )

  it.effect("writes on in a new file after somebody deleted its own", () =>
    Effect.gen(function* () {
      const made = yield* folder
      const file = writing(made)
      file.add(line(1))
      file.flush()
      for (const name of files(made)) rmSync(join(made, name))
      file.add(line(2))
      file.close()
      assert.deepStrictEqual(
        (yield* all(made)).entries.map(({ Message }) => Message),
        ["2"]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("keeps what it can while nothing can be written, and says how many entries it lost", () =>
    Effect.gen(function* () {
      const above = yield* folder
      const made = join(above, "logs")
      writeFileSync(made, "in the way")
      const file = writing(made)
      assert.isUndefined(file.flush())
      for (let n = 0; n < 2_000; n++) file.add(line(n, "x".repeat(100)))
      assert.strictEqual(file.flush(), "ENOTDIR")
      assert.isTrue(file.isWaiting())
      rmSync(made)
      assert.isUndefined(file.flush())
      assert.isFalse(file.isWaiting())
      file.close()
      const { entries } = yield* all(made)
      const lost = /^lost (\d+) ENOTDIR$/.exec(entries[0]?.Message ?? "")?.[1]
      assert.strictEqual(Number(lost) + entries.length - 1, 2_000)
      // 256 KiB of them.
      assert.isAbove(entries.length, 700)
    }).pipe(Effect.scoped)
  )

  it.live("loses and mixes up nothing of four processes that write to the same files", () =>
    Effect.gen(function* () {
      const made = join(yield* folder, "logs")
      const names = ["a", "b", "c", "d"]
      const writers = names.map((name) => writer(made, name, 1_000))
      yield* Effect.promise(() => Promise.all(writers.map(({ ended }) => ended)))
      const { damaged, entries } = yield* all(made)
      assert.strictEqual(damaged, 0)
      assert.isAbove(files(made).length, 4)
      for (const name of names) {
        const numbers = entries.filter(({ Program }) => Program === name).map(({ Annotations }) => Annotations["n"])
        assert.deepStrictEqual(
          numbers,
          Array.from({ length: 1_000 }, (_, n) => n)
        )
      }
      const times = entries.map(({ TimeCreated }) => TimeCreated)
      assert.deepStrictEqual(times, times.toSorted())
    }).pipe(Effect.scoped)
  )

  it.live("loses no more of a process that is killed than what it had not written, and nothing of others", () =>
    Effect.gen(function* () {
      const made = join(yield* folder, "logs")
      const victim = writer(made, "victim", 0)
      const other = writer(made, "other", 1_000)
      yield* Effect.promise(() => victim.begun)
      victim.process.kill("SIGKILL")
      yield* Effect.promise(() => Promise.all([victim.ended, other.ended]))
      const { entries } = yield* all(made)
      const of = (name: string) =>
        entries.filter(({ Program }) => Program === name).map(({ Annotations }) => Annotations["n"])
      assert.strictEqual(of("other").length, 1_000)
      const killed = of("victim")
      // The error before it said that it had begun was written at once, with all that was said before.
      assert.isAbove(killed.length, 199)
      assert.deepStrictEqual(
        killed,
        killed.map((_, n) => n)
      )
    }).pipe(Effect.scoped)
  )
})

describe("LogReader", () => {
  it.effect("leaves out what is damaged, and counts it", () =>
    Effect.gen(function* () {
      const made = yield* folder
      const path = join(made, LogFolder.fileName(1))
      const half = line(2).slice(0, 60)
      writeFileSync(path, `\n${line(1)}\n${half}`)
      // Whoever writes next begins a line of its own.
      appendFileSync(path, `\n${line(3)}\n{"TimeCreated":1}\nno JSON\n${"y".repeat(100_000)}\n${line(4)}\n${half}`)
      writeFileSync(join(made, "log-1.jsonl"), "not ours\n")
      const { damaged, entries } = yield* all(made)
      assert.deepStrictEqual(
        entries.map(({ Message }) => Message),
        ["1", "3", "4"]
      )
      assert.strictEqual(damaged, 5)
    }).pipe(Effect.scoped)
  )

  it.effect("puts entries of several processes into the order of their time", () =>
    Effect.gen(function* () {
      const made = yield* folder
      writeFileSync(join(made, LogFolder.fileName(1)), `${line(5)}\n${line(3)}\n`)
      writeFileSync(join(made, LogFolder.fileName(2)), `${line(4)}\n${line(9_000)}\n${line(1)}\n${line(60_000)}\n`)
      const { entries } = yield* all(made)
      assert.deepStrictEqual(
        entries.map(({ Message }) => Message),
        ["1", "3", "4", "5", "9000", "60000"]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("tells of what is written after it has read all, also in new files and of lines that were half there", () =>
    Effect.gen(function* () {
      const made = yield* folder
      const first = join(made, LogFolder.fileName(1))
      const reader = LogReader.make({ folder: made, wanted: { level: 5 } })
      const next = Effect.map(reader.more, ({ entries, isEnd }) => {
        assert.isTrue(isEnd)
        return [...entries, ...reader.rest()].map(({ Message }) => Message)
      })
      writeFileSync(first, `${line(1)}\n${line(2).slice(0, 20)}`)
      assert.deepStrictEqual(yield* next, ["1"])
      assert.deepStrictEqual(yield* next, [])
      appendFileSync(first, `${line(2).slice(20)}\n`)
      assert.deepStrictEqual(yield* next, ["2"])
      writeFileSync(join(made, LogFolder.fileName(2)), `${line(4)}\n`)
      appendFileSync(first, `${line(3)}\n`)
      assert.deepStrictEqual(yield* next, ["3", "4"])
      rmSync(first)
      writeFileSync(join(made, LogFolder.fileName(3)), `${line(5)}\n`)
      assert.deepStrictEqual(yield* next, ["5"])
      assert.strictEqual(reader.unfinished(), 0)
    }).pipe(Effect.scoped)
  )

  it.effect.skipIf(process.platform === "win32")("does not wait for a pipe that is named like a file of a log", () =>
    Effect.gen(function* () {
      const made = yield* folder
      execFileSync("mkfifo", [join(made, LogFolder.fileName(1))])
      writeFileSync(join(made, LogFolder.fileName(2)), `${line(1)}\n`)
      assert.lengthOf((yield* all(made)).entries, 1)
    })
  )

  it.effect("says in a sentence that there is no log", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(all("/nowhere/logs"))
      assert.strictEqual(error.message, "There is no log in /nowhere/logs; nothing was logged there yet.")
    })
  )
})

describe("LogFolder", () => {
  it("lets go of the oldest files, by number, by bytes and by age, and never of the last", () => {
    const limits = { fileBytes: 100, files: 4, keepMillis: 1_000 }
    const of = (bytes: ReadonlyArray<number>, writtenAt: ReadonlyArray<number>) =>
      LogFolder.surplus(
        bytes.map((size, n) => ({ number: n + 1, bytes: size, writtenAt: writtenAt[n] ?? 0 })),
        limits,
        10_000
      ).toSorted()
    const now = [10_000, 10_000, 10_000, 10_000, 10_000]
    assert.deepStrictEqual(of([10, 10, 10, 10, 10], now), [1])
    assert.deepStrictEqual(of([10, 100, 150, 160], now), [1, 2])
    assert.deepStrictEqual(of([10, 10, 10], [8_000, 10_000, 8_000]), [1])
    assert.deepStrictEqual(of([1_000], [0]), [])
  })
})
