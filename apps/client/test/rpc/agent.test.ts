import { randomBytes } from "node:crypto"
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Agent } from "@piecework/client/Agent"
import type { JobId, JobView } from "@piecework/client/JobView"
import { Piecework } from "@piecework/client"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import * as HttpOrigin from "../support/httpOrigin.ts"
import * as Programs from "../support/programs.ts"

const bytes = randomBytes(300_000)

/** An agent of its own state folder. */
const agentIn = (state: string, more: ReadonlyArray<string> = []) =>
  Effect.gen(function* () {
    const args = ["agent", "--host", "127.0.0.1", "--port", "0", "--state", state, "--no-rest", "--json", ...more]
    const program = yield* Programs.start("piecework", args)
    yield* program.line((line) => (line.startsWith("{") ? line : undefined))
    return { program, socket: join(state, "run", "agent.sock") }
  })

const piecework = (socket: string, ...args: ReadonlyArray<string>) =>
  Programs.run("piecework", args, { PIECEWORK_SOCKET: socket })

/** In one call, without the start of a program. */
const ask = <A, E>(socket: string, call: (agent: Agent["Service"]) => Effect.Effect<A, E>) =>
  Effect.flatMap(Agent, call).pipe(Effect.provide(Agent.layer(socket)))

/** Until the agent's jobs are so. */
const become = (socket: string, isSo: (jobs: ReadonlyArray<JobView>) => boolean) =>
  ask(socket, (agent) => Effect.repeat(agent.enumerate(), { until: isSo, schedule: Schedule.spaced("20 millis") }))

describe("An agent with programs at its socket", () => {
  it.live(
    "downloads for them: by promise, by get --agent with the output and codes of get, and to standard output",
    () =>
      Effect.gen(function* () {
        const state = yield* Programs.folder
        const origin = yield* HttpOrigin.make({ bytes })
        const { socket } = yield* agentIn(state)
        const path = join(state, "one")
        const done = yield* Effect.promise(() => Piecework.promises.download(origin.url, { path, socket }))
        assert.include(done, { path, fileBytes: bytes.length })
        assert.strictEqual(done.bytes.Origin, bytes.length)
        assert.isTrue(readFileSync(path).equals(bytes))

        const again = yield* piecework(socket, "get", origin.url, "-o", path, "--agent")
        assert.deepStrictEqual([again.code, again.stdout], [4, ""])
        assert.include(again.stderr, `${path} exists already; choose another name or pass --overwrite.`)
        writeFileSync(path, "old")
        const over = yield* piecework(socket, "get", origin.url, "-o", path, "--agent", "--overwrite", "--json")
        assert.strictEqual(over.code, 0, over.stderr)
        assert.include(JSON.parse(over.stdout), { path, fileBytes: bytes.length, mode: "Simple" })
        assert.isTrue(readFileSync(path).equals(bytes))
        assert.deepStrictEqual(
          readdirSync(state).filter((name) => name.startsWith(".piecework")),
          []
        )

        const gone = ["http://127.0.0.1:9/gone", "--mirror", origin.url]
        const mirrored = yield* piecework(socket, "get", ...gone, "-o", join(state, "mirrored"), "--agent")
        assert.strictEqual(mirrored.code, 0, mirrored.stderr)
        assert.isTrue(readFileSync(join(state, "mirrored")).equals(bytes))

        origin.fail(404)
        const missing = yield* piecework(socket, "get", `${origin.url}x`, "-o", join(state, "x"), "--agent", "--json")
        assert.strictEqual(missing.code, 5)
        assert.deepInclude((JSON.parse(missing.stdout) as { error: object }).error, { code: 5, tag: "notFound" })
        origin.fail(undefined)

        for (const how of [["--agent"], ["--state", join(state, "own"), "--no-reports"]]) {
          const streamed = yield* piecework(socket, "get", origin.url, "-o", "-", ...how)
          assert.strictEqual(streamed.code, 0, streamed.stderr)
          // As text: what is no UTF-8 is the same in both.
          assert.strictEqual(streamed.stdout, bytes.toString("utf8"))
        }
        assert.strictEqual((yield* piecework(socket, "jobs", "list", "--json")).stdout, "[]\n")
      })
  )

  it.live("aborts what is interrupted, keeps what is detached over kill -9, and lets it be steered", () =>
    Effect.gen(function* () {
      const state = yield* Programs.folder
      const origin = yield* HttpOrigin.make({ bytes, bytesPerSecond: 1_000_000_000 })
      origin.stopAt(100_000)
      const first = yield* agentIn(state)
      const { socket } = first
      const path = join(state, "cut")
      const cut = yield* Programs.start("piecework", ["get", origin.url, "-o", path, "--agent"], {
        PIECEWORK_SOCKET: socket
      })
      yield* become(socket, ([job]) => job?.state === "Transferring")
      yield* cut.kill("SIGINT")
      const { code, stderr } = yield* cut.exit
      assert.strictEqual(code, 130)
      assert.include(stderr, "Interrupted")
      yield* become(socket, (jobs) => jobs.length === 0)
      assert.isFalse(existsSync(path))

      const left = join(state, "left")
      const detached = yield* piecework(socket, "get", origin.url, "-o", left, "--agent", "--detach")
      const id = detached.stdout.trim()
      assert.match(id, /^[0-9a-f-]{36}$/)
      yield* become(socket, ([job]) => job?.state === "Transferring")
      const paused = yield* piecework(socket, "jobs", "pause", id.slice(0, 8))
      assert.deepStrictEqual([paused.code, paused.stderr], [0, `Paused ${id}.\n`])
      const shown = yield* piecework(socket, "jobs", "show", id)
      assert.match(shown.stdout, /^state +paused$/m)
      yield* ask(socket, (agent) => agent.resume(id as JobId))
      yield* first.program.kill("SIGKILL")
      yield* first.program.exit
      const without = yield* piecework(socket, "jobs", "list")
      assert.strictEqual(without.code, 15)
      assert.include(without.stderr, `No agent answers on this device (${socket}: nobody listens there); start one`)

      origin.stopAt(Number.POSITIVE_INFINITY)
      const second = yield* agentIn(state)
      const watched = yield* piecework(socket, "jobs", "watch", id, "--json")
      assert.strictEqual(watched.code, 0, watched.stderr)
      const last = JSON.parse(watched.stdout.trim().split("\n").at(-1) ?? "") as JobView
      assert.deepInclude(last as object, { id, state: "Transferred", bytesTransferred: bytes.length })
      yield* ask(socket, (agent) => agent.finalize(id as JobId))
      assert.isTrue(readFileSync(left).equals(bytes))
      assert.strictEqual((yield* piecework(socket, "jobs", "abort", id)).code, 5)

      const other = yield* Programs.run("piecework", [
        "agent",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--state",
        join(state, "other"),
        "--no-rest",
        "--socket",
        socket
      ])
      assert.strictEqual(other.code, 13)
      assert.include(other.stderr, `Another agent answers at ${socket}`)
      yield* second.program.kill("SIGTERM")
      yield* second.program.exit
      assert.isFalse(existsSync(socket))
    })
  )
})
