/** How a command's troubles become sentences and exit codes, and how its process ends. */
import { Cause, Effect, Exit, Runtime } from "effect"
import { CliError } from "effect/cli"
import { exitCodes } from "./ExitCode.ts"
import { Failure } from "./Failure.ts"
import { Output } from "./Output.ts"

let isSettled = false
let isForPrograms = false
let stoppedBy: string | undefined
let verdict: number = exitCodes.ok

const remember = (name: NodeJS.Signals) => void (stoppedBy ??= name)

/** The signal that told the process to stop, if one did. */
export const signal = (): string | undefined => stoppedBy

/** From here on being told to stop is the right way to end: the exit code is 0 then. */
export const settled: Effect.Effect<void> = Effect.sync(() => {
  isSettled = true
})

/** Whether standard output belongs to a program: then it is told of a failure there, too. */
export const forPrograms = (is: boolean): Effect.Effect<void> =>
  Effect.sync(() => {
    isForPrograms = is
  })

/** A command that did all that it is there for ends with this code, which is its answer to scripts. */
export const answering = (code: number): Effect.Effect<void> =>
  Effect.sync(() => {
    verdict = code
  })

export const teardown: Runtime.Teardown = (exit, onExit) => {
  if (Exit.isSuccess(exit)) return onExit(verdict)
  if (Cause.hasInterruptsOnly(exit.cause)) return onExit(isSettled ? exitCodes.ok : exitCodes.interrupted)
  const error = Cause.squash(exit.cause)
  // The command line has shown the usage; asked for, that is no error.
  if (CliError.isCliError(error)) {
    return onExit(error._tag === "ShowHelp" && error.errors.length === 0 ? exitCodes.ok : exitCodes.usage)
  }
  return Runtime.defaultTeardown(exit, onExit)
}

/** Whose ending it is. */
export interface Program {
  /** Begins each sentence. */
  readonly name: string
  /** The word for one of its exit codes, which programs are told beside it. */
  readonly tagOf: (code: number) => string
  /** Its log says when it was told to stop, and by which signal. */
  readonly logsStop?: boolean
}

/** Says what went wrong: one sentence for what was foreseen, everything for what was not. */
export const reported =
  ({ logsStop = false, name, tagOf }: Program) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | Output> => {
    // Before the listener of `runMain`, which begins to end the program then and there.
    const listening = Effect.sync(() =>
      process.prependListener("SIGINT", remember).prependListener("SIGTERM", remember)
    )
    return Effect.onExit(Effect.andThen(listening, effect), (exit) => {
      process.off("SIGINT", remember).off("SIGTERM", remember)
      if (Exit.isSuccess(exit)) return Effect.void
      const { cause } = exit
      const isInterrupted = Cause.hasInterruptsOnly(cause)
      if (isInterrupted && isSettled) {
        if (logsStop || stoppedBy === undefined) return Effect.void
        return Effect.flatMap(Output, (output) => output.note(`${name}: Stopped by ${stoppedBy}.`))
      }
      const error = Cause.squash(cause)
      // The usage was shown by the command line itself.
      if (CliError.isCliError(error)) return Effect.void
      const { code, sentence } = isInterrupted
        ? { code: exitCodes.interrupted, sentence: "Interrupted." }
        : error instanceof Failure
          ? error
          : { code: exitCodes.unexpected, sentence: Cause.pretty(cause) }
      return Effect.gen(function* () {
        const output = yield* Output
        if (!isInterrupted) yield* output.note(`${name}: ${sentence}`)
        if (!isForPrograms) return
        yield* output.line(JSON.stringify({ error: { code, tag: tagOf(code), message: sentence } }))
      })
    })
  }
