import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem, Path, Queue, Schema, Stream } from "effect"
import { ChildProcess } from "effect/process"
import { randomBytes } from "node:crypto"
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { Report } from "../src/Report.ts"

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))

/** The demo as a process, with a folder of its own for what it leaves behind. */
const demo = (temp: string, ...args: ReadonlyArray<string>) =>
  ChildProcess.make(process.execPath, ["--conditions=source", main, ...args], {
    env: { TMPDIR: temp, NO_COLOR: "1" },
    extendEnv: true,
    stdin: "ignore",
    killSignal: "SIGTERM",
    forceKillAfter: "20 seconds"
  })

const makeFile = Effect.fnUntraced(function* (size: number) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const file = path.join(yield* fs.makeTempDirectoryScoped(), "file.bin")
  yield* fs.writeFile(file, randomBytes(size))
  return { file, temp: yield* fs.makeTempDirectoryScoped() }
})

/** Runs it to its end. */
const run = Effect.fnUntraced(function* (temp: string, ...args: ReadonlyArray<string>) {
  const handle = yield* demo(temp, ...args)
  const text = (stream: typeof handle.stdout) => Stream.mkString(Stream.decodeText(stream))
  const [stdout, stderr, exitCode] = yield* Effect.all([text(handle.stdout), text(handle.stderr), handle.exitCode], {
    concurrency: "unbounded"
  })
  return { stdout, stderr, exitCode: Number(exitCode) }
})

/** Processes whose command line names the folder; none where there is no /proc. */
const processesIn = (temp: string): ReadonlyArray<string> => {
  try {
    return readdirSync("/proc").filter((pid) => {
      try {
        return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(temp)
      } catch {
        return false
      }
    })
  } catch {
    return []
  }
}

layer(NodeServices.layer, { excludeTestServices: true })("The demo", (it) => {
  it.effect(
    "brings one file to three clients over one line, and says what crossed it",
    () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const { file, temp } = yield* makeFile(12_000_000)
        const args = ["--json", "--clients", "3", "--rate", "20mbit", "--file", file]
        const { stdout, stderr, exitCode } = yield* run(temp, ...args)
        assert.deepStrictEqual([exitCode, stderr], [0, ""])
        const report = yield* Schema.decodeUnknownEffect(Schema.fromJsonString(Report))(stdout)
        assert.deepStrictEqual([report.clients, report.verified, report.fileBytes], [3, 3, 12_000_000])
        assert.isAtLeast(report.originBytes, report.fileBytes)
        assert.isAtMost(report.originCopies, 2)
        // Each client has the file from somewhere, and what is not from the origin is from peers.
        const fromOrigin = report.perClient.reduce((sum, { bytes }) => sum + bytes.Origin, 0)
        assert.strictEqual(fromOrigin + report.peerBytes, 36_000_000)
        assert.strictEqual(report.idealSeconds, 4.8)
        assert.isAtLeast(report.seconds ?? 0, 4.5)
        assert.deepStrictEqual(yield* fs.readDirectory(temp), [])
        assert.deepStrictEqual(processesIn(temp), [])
      }),
    120_000
  )

  it.effect(
    "ends what it started and removes its folder when it is stopped half way",
    () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const { file, temp } = yield* makeFile(12_000_000)
        const handle = yield* demo(temp, "--clients", "2", "--rate", "2mbit", "--file", file)
        const lines = yield* handle.stdout.pipe(Stream.decodeText, Stream.splitLines, Stream.toQueue({ capacity: 100 }))
        const untilUnderWay = Effect.flatMap(Queue.take(lines), (line) =>
          line.includes("0 of 2 done") ? Effect.void : Effect.fail("not yet")
        )
        yield* Effect.eventually(untilUnderWay)
        yield* handle.kill({ killSignal: "SIGQUIT" })
        assert.strictEqual(Number(yield* handle.exitCode), 130)
        assert.deepStrictEqual(yield* fs.readDirectory(temp), [])
        assert.deepStrictEqual(processesIn(temp), [])
      }),
    120_000
  )

  it.effect(
    "says what is wrong with a file that is too small, or not there",
    () =>
      Effect.gen(function* () {
        const { file, temp } = yield* makeFile(9_999_999)
        const small = yield* run(temp, "--json", "--file", file)
        assert.deepStrictEqual([small.exitCode, small.stdout], [1, ""])
        assert.include(small.stderr, "too small")
        const missing = yield* run(temp, "--json", "--file", `${file}.not`)
        assert.strictEqual(missing.exitCode, 1)
        assert.include(missing.stderr, "no file")
        const usage = yield* run(temp, "--clients", "0")
        assert.strictEqual(usage.exitCode, 2)
      }),
    60_000
  )
})
