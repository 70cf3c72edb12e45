/** How a command's troubles become sentences and exit codes, and how its process ends. */
import { Cause, Effect, Exit, Runtime } from "effect"
import { CliError } from "effect/cli"
import { exitCodes } from "./ExitCode.ts"
import { Failure } from "./Failure.ts"
import { Output } from "./Output.ts"

let isServing = false

/** From here on being told to stop is the right way to end: the exit code is 0 then. */
export const serving: Effect.Effect<void> = Effect.sync(() => {
  isServing = true
})

export const teardown: Runtime.Teardown = (exit, onExit) => {
  if (Exit.isSuccess(exit)) return onExit(exitCodes.ok)
  if (Cause.hasInterruptsOnly(exit.cause)) return onExit(isServing ? exitCodes.ok : exitCodes.interrupted)
  const error = Cause.squash(exit.cause)
  // The command line has shown the usage; asked for, that is no error.
  if (CliError.isCliError(error)) {
    return onExit(error._tag === "ShowHelp" && error.errors.length === 0 ? exitCodes.ok : exitCodes.usage)
  }
  return Runtime.defaultTeardown(exit, onExit)
}

/** Says what went wrong: one sentence for what was foreseen, everything for what was not. */
export const reported = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | Output> =>
  Effect.tapCause(effect, (cause) => {
    if (Cause.hasInterruptsOnly(cause)) return Effect.void
    const error = Cause.squash(cause)
    if (CliError.isCliError(error)) return Effect.void
    return Effect.flatMap(Output, (output) =>
      output.note(`piecework-service: ${error instanceof Failure ? error.sentence : Cause.pretty(cause)}`)
    )
  })
