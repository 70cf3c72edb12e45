import { assert, describe, it } from "@effect/vitest"
import { Ending, ExitCode, Failure, Output } from "@piecework/terminal"
import { Cause, Effect, Exit, Layer } from "effect"

/** What was said, by stream. */
const listening = () => {
  const said = { results: [] as Array<string>, notes: [] as Array<string> }
  const layer = Layer.succeed(Output, {
    line: (text) => Effect.sync(() => void said.results.push(text)),
    note: (text) => Effect.sync(() => void said.notes.push(text)),
    complete: Effect.void,
    isWatched: false,
    columns: () => 80,
    redraw: () => Effect.void,
    redrawUnsafe: () => undefined
  })
  return { said, layer }
}

const reported = Ending.reported({ name: "example", tagOf: ExitCode.tagOf({ ...ExitCode.exitCodes, badUrl: 3 }) })
const failure = new Failure({ sentence: "It is no URL.", code: 3 })

const codeOf = (exit: Exit.Exit<unknown, unknown>): number => {
  let told = -1
  Ending.teardown(exit, (code) => (told = code))
  return told
}

describe("The end of a command", () => {
  it.effect("that fails is one sentence with the program's name, and its code", () =>
    Effect.gen(function* () {
      const { layer, said } = listening()
      const exit = yield* Effect.exit(Effect.fail(failure).pipe(reported, Effect.provide(layer)))
      assert.deepStrictEqual(said, { results: [], notes: ["example: It is no URL."] })
      assert.strictEqual(codeOf(exit), 3)
    })
  )

  it.effect("that fails is told to a program on its own stream, too", () =>
    Effect.gen(function* () {
      const { layer, said } = listening()
      yield* Ending.forPrograms(true)
      yield* Effect.exit(Effect.fail(failure).pipe(reported, Effect.provide(layer)))
      yield* Ending.forPrograms(false)
      assert.deepStrictEqual(
        said.results.map((line) => JSON.parse(line) as unknown),
        [{ error: { code: 3, tag: "badUrl", message: "It is no URL." } }]
      )
    })
  )

  it.effect("that nobody foresaw says all that is known of it", () =>
    Effect.gen(function* () {
      const { layer, said } = listening()
      yield* Effect.exit(Effect.die(new Error("the floor gave way")).pipe(reported, Effect.provide(layer)))
      assert.match(said.notes.join("\n"), /^example: .*the floor gave way/s)
    })
  )

  it("that is told to stop is 130, until stopping is the right way to end", () => {
    const stopped = Exit.failCause(Cause.interrupt())
    assert.deepStrictEqual([codeOf(stopped), codeOf(Exit.void)], [130, 0])
    Effect.runSync(Ending.settled)
    assert.strictEqual(codeOf(stopped), 0)
  })
})
