import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Effect, Exit, Queue, Schema, Scope } from "effect"
import * as Child from "../src/Child.ts"

const node = (script: string) =>
  Child.start({ name: "program", command: process.execPath, args: ["--input-type=module", "--eval", script] })

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const Pid = Schema.Struct({ pid: Schema.Int })

layer(NodeServices.layer, { excludeTestServices: true })("Child", (it) => {
  it.effect("gives the lines of a program, to its end", () =>
    Effect.gen(function* () {
      const child = yield* node(`console.log("one"); console.log("two")`)
      assert.deepStrictEqual(yield* Queue.collect(child.lines), ["one", "two"])
      assert.strictEqual(yield* child.ended, "exit code 0")
    })
  )

  it.effect("ends the program with the scope", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const child = yield* node(`console.log(JSON.stringify({ pid: process.pid })); setInterval(() => {}, 1000)`).pipe(
        Effect.provideService(Scope.Scope, scope)
      )
      const { pid } = yield* Child.announcement(child, Pid)
      assert.isTrue(isAlive(pid))
      yield* Scope.close(scope, Exit.void)
      assert.isFalse(isAlive(pid))
    })
  )

  it.effect("says how a program ended that was not done, and what it complained about", () =>
    Effect.gen(function* () {
      const child = yield* node(`console.error("no such luck"); process.exit(7)`)
      const error = yield* Effect.flip(Child.announcement(child, Pid))
      assert.deepStrictEqual([error.reason, error.ending], ["Ended", "exit code 7"])
      assert.include(error.message, "no such luck")
    })
  )

  it.effect("names the signal that ended a program", () =>
    Effect.gen(function* () {
      const child = yield* node(`process.kill(process.pid, "SIGKILL"); setInterval(() => {}, 1000)`)
      const error = yield* Effect.flip(Child.announcement(child, Pid))
      assert.strictEqual(error.ending, "SIGKILL")
    })
  )

  it.effect("does not understand a line of another form", () =>
    Effect.gen(function* () {
      const child = yield* node(`console.log("ready!"); setInterval(() => {}, 1000)`)
      assert.strictEqual((yield* Effect.flip(Child.announcement(child, Pid))).reason, "Unintelligible")
    })
  )

  it.effect("says when there is no such program", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Child.start({ name: "ghost", command: "/nonexistent/program", args: [] }))
      assert.strictEqual(error.reason, "NotStarted")
      assert.strictEqual(error.message, "Ghost could not be started.")
    })
  )

  it.effect("keeps the last of a long complaint only", () =>
    Effect.gen(function* () {
      const child = yield* node(`process.stderr.write("x".repeat(100000) + "the end"); process.exitCode = 1`)
      const error = yield* Effect.flip(Child.announcement(child, Pid))
      assert.isBelow(error.stderr.length, 5000)
      assert.isTrue(error.stderr.endsWith("the end"))
    })
  )
})
