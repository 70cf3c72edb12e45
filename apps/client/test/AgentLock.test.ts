import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { connect, createServer } from "node:net"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import * as FolderLock from "@piecework/device/FolderLock"
import { exitCodes } from "../src/ExitCode.ts"
import * as Programs from "./support/programs.ts"

const whole = (line: string) => line
const agents = (state: string) => readdirSync(join(state, "agents"))

/** A socket whose process was killed. */
const dead = (path: string) =>
  Effect.callback<void>((resume) => {
    const program = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`
    spawn(process.execPath, ["--eval", program]).on("close", () => resume(Effect.void))
  })

describe("The lock of a state folder", () => {
  it.live("is one agent's, until it ends", () =>
    Effect.gen(function* () {
      const state = yield* Programs.folder
      const scope = yield* Scope.make()
      yield* Scope.provide(FolderLock.hold(state), scope)
      const error = yield* Effect.flip(Effect.scoped(FolderLock.hold(state)))
      assert.strictEqual(
        error.sentence,
        `Another agent uses the state folder ${state} already (process ${process.pid}); end it, or choose another folder with --state.`
      )
      assert.strictEqual(error.code, exitCodes.storage)
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(agents(state), [])
      yield* Effect.scoped(FolderLock.hold(state))
    })
  )

  it.live("ends with its agent, also while somebody who asked hangs", () =>
    Effect.gen(function* () {
      const state = yield* Programs.folder
      const scope = yield* Scope.make()
      yield* Scope.provide(FolderLock.hold(state), scope)
      const hanging = connect({ path: join(state, "agents", agents(state)[0] ?? ""), allowHalfOpen: true })
      yield* Effect.addFinalizer(() => Effect.sync(() => hanging.destroy()))
      yield* Effect.promise(() => once(hanging.resume(), "end"))
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(agents(state), [])
    })
  )

  it.live("goes to one of many who come at once", () =>
    Effect.gen(function* () {
      for (let round = 0; round < 20; round++) {
        const state = yield* Programs.folder
        const exits = yield* Effect.scoped(
          Effect.all(
            Array.from({ length: 8 }, () => Effect.exit(FolderLock.hold(state))),
            { concurrency: "unbounded" }
          )
        )
        assert.strictEqual(exits.filter(Exit.isSuccess).length, 1)
      }
    })
  )

  it.live("is free once its process was killed, and nothing of that is left", () =>
    Effect.gen(function* () {
      const state = yield* Programs.folder
      mkdirSync(join(state, "agents"))
      yield* dead(join(state, "agents", `1-${"0".repeat(16)}.sock`))
      assert.strictEqual(agents(state).length, 1)
      writeFileSync(join(state, "agents", "notes"), "")
      writeFileSync(join(state, "agents", `2-${"0".repeat(16)}.sock`), "no socket")
      yield* Effect.scoped(FolderLock.hold(state))
      assert.deepStrictEqual(agents(state), ["notes"])
    })
  )

  it.live("is taken while its process is there, however long its path is, and though it says nothing", () =>
    Effect.gen(function* () {
      const state = join(yield* Programs.folder, "a".repeat(100))
      mkdirSync(join(state, "agents"), { recursive: true })
      yield* Effect.scoped(Effect.andThen(FolderLock.hold(state), Effect.flip(Effect.scoped(FolderLock.hold(state)))))
      const short = yield* Programs.folder
      mkdirSync(join(short, "agents"))
      const silent = createServer(() => undefined)
      yield* Effect.acquireRelease(
        Effect.callback<void>(
          (resume) => void silent.listen(join(short, "agents", `3-${"0".repeat(16)}.sock`), () => resume(Effect.void))
        ),
        () => Effect.sync(() => silent.close())
      )
      assert.include(
        (yield* Effect.flip(Effect.scoped(FolderLock.hold(short, { patience: 300 })))).sentence,
        "(process 3)"
      )
    })
  )
})

describe("A second agent", () => {
  it.live("on one state folder says so in a sentence and ends; the first goes on, also after kill -9", () =>
    Effect.gen(function* () {
      const state = yield* Programs.folder
      const args = ["agent", "--host", "127.0.0.1", "--port", "0", "--state", state, "--json", "--no-rest"]
      const first = yield* Programs.start("piecework", args)
      yield* first.line(whole)
      const second = yield* Programs.run("piecework", args)
      assert.strictEqual(second.code, exitCodes.storage)
      assert.include(second.stdout, `Another agent uses the state folder ${state} already (process ${first.pid})`)
      yield* first.kill("SIGKILL")
      yield* first.exit
      const third = yield* Programs.start("piecework", args)
      yield* third.line(whole)
      assert.isTrue(existsSync(state))
    })
  )
})
