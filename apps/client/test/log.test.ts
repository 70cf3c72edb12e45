/** The log of the real programs, as the commands show it. */
import { randomBytes } from "node:crypto"
import { readdirSync, readFileSync, statSync } from "node:fs"
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import * as HttpOrigin from "./support/httpOrigin.ts"
import * as Programs from "./support/programs.ts"

interface Entry {
  readonly ProcessId: number
  readonly Program: string
  readonly LevelName: string
  readonly Message: string
  readonly Function: string
  readonly Annotations: { readonly [name: string]: unknown }
}

const secret = "s3cretSecret"

/** What `piecework log --json` shows. */
const shown = Effect.fnUntraced(function* (state: string, ...more: ReadonlyArray<string>) {
  const { code, stderr, stdout } = yield* Programs.run("piecework", ["log", "--json", "--state", state, ...more])
  assert.strictEqual(code, 0, stderr)
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Entry)
})

/** Looks until there is an entry that is asked for. */
const until = (state: string, is: (entry: Entry) => boolean) =>
  shown(state).pipe(
    Effect.repeat({ until: (entries) => entries.some(is), schedule: Schedule.spaced("100 millis") }),
    Effect.timeout("90 seconds")
  )

describe("piecework log", () => {
  it.live("shows what all programs said, follows them, and becomes verbose while they run and after kill -9", () =>
    Effect.gen(function* () {
      const root = yield* Programs.folder
      const state = join(root, "state")
      yield* Effect.promise(() => mkdir(state))
      const bytes = randomBytes(300_000)
      const origin = yield* HttpOrigin.make({ bytes })
      const url = `${origin.url}?sig=${secret}`
      const follow = yield* Programs.start("piecework", ["log", "--follow", "--json", "--state", state])
      const agentArgs = [
        "agent",
        "--state",
        state,
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--json",
        "--log-format",
        "json"
      ]
      const agent = yield* Programs.start("piecework", agentArgs)
      yield* agent.line(() => true)
      const running = yield* follow.line((line) => {
        const entry = JSON.parse(line) as Entry
        return entry.Message.startsWith("The agent runs.") ? entry : undefined
      })
      assert.deepStrictEqual(Object.keys(running).slice(0, 9), [
        "TimeCreated",
        "ProcessId",
        "ThreadId",
        "Level",
        "LevelName",
        "Message",
        "Function",
        "LineNumber",
        "ErrorCode"
      ])
      assert.strictEqual(running.Function, "Serving.whileAllowed")

      const verbose = yield* Programs.run("piecework", ["log", "verbose", "on", "--state", state])
      assert.strictEqual(verbose.code, 0, verbose.stderr)
      const get = (name: string, ...more: ReadonlyArray<string>) =>
        Programs.run("piecework", ["get", url, "-o", join(root, name), "--json", "--state", state, ...more])
      // The agent looks once a second; until then its jobs leave no verbose entry.
      yield* Effect.gen(function* () {
        const done = yield* get(`job${Math.random()}`, "--agent")
        assert.strictEqual(done.code, 0, done.stderr)
        const entries = yield* shown(state)
        return entries.some(({ LevelName, Program }) => LevelName === "Verbose" && Program === "agent")
      }).pipe(
        Effect.repeat({ until: (is) => is, schedule: Schedule.spaced("300 millis") }),
        Effect.timeout("90 seconds")
      )

      yield* agent.kill("SIGKILL")
      yield* agent.exit
      const again = yield* Programs.start("piecework", agentArgs)
      yield* again.line(() => true)
      assert.strictEqual((yield* get("after", "--agent")).code, 0)
      yield* until(
        state,
        ({ LevelName, ProcessId, Message }) =>
          ProcessId === again.pid && LevelName === "Verbose" && Message === "A job has another state."
      )
      yield* again.kill("SIGTERM")
      const { code, stderr } = yield* again.exit
      assert.strictEqual(code, 0, stderr)
      const entries = yield* shown(state, "--level", "info", "--since", "1h")
      assert.isTrue(
        entries.some(({ Message, ProcessId }) => ProcessId === again.pid && Message === "The program was told to stop.")
      )
      assert.isTrue(entries.every(({ LevelName }) => LevelName !== "Verbose"))

      const logs = join(state, "logs")
      const files = readdirSync(logs).filter((name) => name.endsWith(".jsonl"))
      for (const name of files) {
        assert.notInclude(readFileSync(join(logs, name), "utf8"), secret)
        assert.strictEqual(statSync(join(logs, name)).mode & 0o137, 0)
      }
      yield* follow.kill("SIGTERM")
    })
  )

  it.live("analyses real downloads, whose bytes are those that the origin counted", () =>
    Effect.gen(function* () {
      const root = yield* Programs.folder
      const state = join(root, "state")
      const origin = yield* HttpOrigin.make({ bytes: randomBytes(300_000) })
      const get = (url: string, ...more: ReadonlyArray<string>) =>
        Programs.run("piecework", ["get", url, "--overwrite", "-o", join(root, "out"), "--state", state, ...more])
      assert.strictEqual((yield* get(origin.url, "--priority", "background")).code, 0)
      yield* Effect.promise(() => writeFile(join(state, "logs", "verbose"), ""))
      assert.strictEqual((yield* get(origin.url)).code, 0)
      const failed = yield* get(`http://127.0.0.1:1/x?${secret}`, "--no-progress-timeout", "1s")
      assert.notStrictEqual(failed.code, 0)
      const { stdout } = yield* Programs.run("piecework", [
        "log",
        "analyze",
        "--connections",
        "--json",
        "--state",
        state
      ])
      const analysis = JSON.parse(stdout)
      assert.strictEqual(analysis.TotalBytesDownloaded, origin.sent())
      assert.deepInclude(analysis, {
        Files: 2,
        ForegroundFiles: 2,
        FilesOverMinSize: 0,
        FilesWithPeerBytes: 0,
        EfficiencyPercent: 0,
        BytesFromPeers: 0
      })
      assert.deepStrictEqual(
        analysis.Connections.map(({ BytesReceived, PeerType, Destination }: { readonly [name: string]: unknown }) => [
          PeerType,
          Destination,
          BytesReceived
        ]),
        [["Http", new URL(origin.url).origin, 300_000]]
      )
      const read = yield* Programs.run("piecework", ["log", "analyze", "--connections", "--state", state])
      assert.match(read.stdout, /^Bytes +[\d.]+ KiB\n {2}from peers +0 B$/m)
      assert.match(read.stdout, /^http:\S+ +Http .* 293\.0 KiB /m)
      const text = yield* Programs.run("piecework", ["log", "--state", state])
      assert.match(text.stdout, /Warning {2}get\[\d+\] LoggedDownloads\.tell NoSourceError\.\w+ A download failed\./)
      assert.notInclude(text.stdout, secret)
    })
  )

  it.live("is no reason for a download to fail, nor to say anything, when it cannot be written", () =>
    Effect.gen(function* () {
      const root = yield* Programs.folder
      const state = join(root, "state")
      yield* Effect.promise(() => mkdir(state))
      yield* Effect.promise(() => writeFile(join(state, "logs"), "in the way"))
      const origin = yield* HttpOrigin.make({ bytes: randomBytes(1_000) })
      const got = yield* Programs.run("piecework", ["get", origin.url, "-o", join(root, "out"), "--state", state])
      assert.deepStrictEqual([got.code, got.stderr], [0, ""])
      const none = yield* Programs.run("piecework", ["log", "--path", join(root, "nowhere")])
      assert.strictEqual(none.code, 5)
      assert.include(none.stderr, "There is no log in")
    })
  )
})
