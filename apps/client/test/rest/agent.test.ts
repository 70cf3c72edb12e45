import { randomBytes } from "node:crypto"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import * as HttpOrigin from "../support/httpOrigin.ts"
import * as Programs from "../support/programs.ts"
import { ask } from "./support.ts"

const agentIn = (state: string) =>
  Effect.gen(function* () {
    const args = ["agent", "--host", "127.0.0.1", "--port", "0", "--state", state, "--json"]
    const program = yield* Programs.start("piecework", args)
    const port = yield* program.line((line) => (JSON.parse(line) as { readonly rest?: number }).rest)
    return { program, port }
  })

const becomes = (port: number, id: string, state: string) =>
  ask(port, "GET", `/download/getstatus?Id=${id}`).pipe(
    Effect.map(
      ([, body]) =>
        JSON.parse(body) as { readonly Status: string; readonly BytesTotal: string; readonly ErrorCode: string }
    ),
    Effect.repeat({ until: ({ Status }) => Status === state, schedule: Schedule.spaced("20 millis") })
  )

describe("An agent with programs that give it jobs", () => {
  it.live("is found by its port file, downloads, is killed, and goes on with what it was given", () =>
    Effect.gen(function* () {
      const state = yield* Programs.folder
      const bytes = randomBytes(3_000_000)
      const origin = yield* HttpOrigin.make({ bytes, bytesPerSecond: 3_000_000 })
      const first = yield* agentIn(state)
      const run = join(state, "run")
      assert.deepStrictEqual(readdirSync(run), ["agent.sock", `restport.${first.program.pid}`])
      assert.strictEqual(readFileSync(join(run, `restport.${first.program.pid}`), "utf8"), `${first.port}\n`)
      const create = (name: string, more: string) =>
        Effect.map(
          ask(
            first.port,
            "POST",
            `/download/create?Uri=${encodeURIComponent(origin.url)}&DownloadFilePath=${encodeURIComponent(join(state, name))}${more}`
          ),
          ([, body]) => (JSON.parse(body) as { readonly Id: string }).Id
        )
      const lasting = yield* create("one", "&NonVolatile=true")
      const other = yield* create("two", "")
      yield* ask(first.port, "POST", `/download/start?Id=${lasting}`)
      yield* first.program.kill("SIGHUP")
      assert.strictEqual((yield* becomes(first.port, lasting, "Transferring")).Status, "Transferring")
      yield* first.program.kill("SIGKILL")
      yield* first.program.exit

      const second = yield* agentIn(state)
      assert.deepStrictEqual(readdirSync(run), ["agent.sock", `restport.${second.program.pid}`])
      assert.strictEqual((yield* ask(second.port, "GET", `/download/getstatus?Id=${other}`))[0], 404)
      assert.strictEqual((yield* becomes(second.port, lasting, "Transferred")).BytesTotal, String(bytes.length))
      assert.isTrue(readFileSync(join(state, "one")).equals(bytes))
      assert.deepStrictEqual(yield* ask(second.port, "POST", `/download/abort?Id=${lasting}`), [200, "{}\n"])
      assert.isFalse(existsSync(join(state, "one")))
      assert.deepStrictEqual(
        readdirSync(state).filter((name) => name.startsWith(".piecework")),
        []
      )
      yield* second.program.kill("SIGTERM")
      yield* second.program.exit
      assert.deepStrictEqual(readdirSync(run), [])
    })
  )

  it.live("repairs a job whose file is not there by another URL", () =>
    Effect.gen(function* () {
      const state = yield* Programs.folder
      const bytes = randomBytes(100_000)
      const origin = yield* HttpOrigin.make({ bytes })
      const { port } = yield* agentIn(state)
      origin.fail(404)
      const query = `Uri=${encodeURIComponent(origin.url)}&DownloadFilePath=${encodeURIComponent(join(state, "one"))}`
      const [, body] = yield* ask(port, "POST", `/download/create?${query}`)
      const { Id } = JSON.parse(body) as { readonly Id: string }
      yield* ask(port, "POST", `/download/start?Id=${Id}`)
      assert.deepInclude(yield* becomes(port, Id, "Paused"), { ErrorCode: "-2145844844" })
      origin.fail(undefined)
      const other = encodeURIComponent(`${origin.url}?again`)
      assert.deepStrictEqual(yield* ask(port, "POST", `/download/setproperty?Id=${Id}&Uri=${other}`), [200, "{}\n"])
      yield* ask(port, "POST", `/download/start?Id=${Id}`)
      yield* becomes(port, Id, "Transferred")
      yield* ask(port, "POST", `/download/finalize?Id=${Id}`)
      assert.isTrue(readFileSync(join(state, "one")).equals(bytes))
    })
  )

  it.live("takes jobs where the settings leave no peers", () =>
    Effect.gen(function* () {
      const state = yield* Programs.folder
      const bytes = randomBytes(10_000)
      const origin = yield* HttpOrigin.make({ bytes })
      const args = ["agent", "--host", "127.0.0.1", "--port", "0", "--state", state, "--json"]
      const program = yield* Programs.start("piecework", args, { PIECEWORK_DODOWNLOADMODE: "99" })
      const said = yield* program.line(
        (line) => JSON.parse(line) as { readonly rest: number; readonly listening?: string }
      )
      assert.isUndefined(said.listening)
      const query = `Uri=${encodeURIComponent(origin.url)}&DownloadFilePath=${encodeURIComponent(join(state, "one"))}`
      const [, body] = yield* ask(said.rest, "POST", `/download/create?${query}`)
      const { Id } = JSON.parse(body) as { readonly Id: string }
      yield* ask(said.rest, "POST", `/download/start?Id=${Id}`)
      yield* becomes(said.rest, Id, "Transferred")
      assert.isTrue(readFileSync(join(state, "one")).equals(bytes))
    })
  )

  it.live("takes none with --no-rest and --no-api", () =>
    Effect.gen(function* () {
      const state = yield* Programs.folder
      const args = ["agent", "--host", "127.0.0.1", "--port", "0", "--state", state, "--json", "--no-rest", "--no-api"]
      const program = yield* Programs.start("piecework", args)
      const said = yield* program.line((line) => JSON.parse(line) as object)
      assert.notProperty(said, "rest")
      assert.isFalse(existsSync(join(state, "run")))
    })
  )
})
