/** How a command's troubles become sentences and exit codes, and how its process ends. */
import { TransportError } from "@piecework/transport/ByteStream"
import { Cause, Effect, Exit, Runtime } from "effect"
import { CliError } from "effect/cli"
import { exitCodes } from "./ExitCode.ts"
import { Failure } from "./Failure.ts"
import { Output } from "./Output.ts"
import { StateFolderError } from "./StateFolder.ts"

/** What layers fail with when they are built, in words. */
export const explained = <A, E, R>(
  effect: Effect.Effect<A, E | TransportError | StateFolderError, R>
): Effect.Effect<A, Exclude<E, TransportError | StateFolderError> | Failure, R> =>
  Effect.mapError(effect, (error) => {
    if (error instanceof StateFolderError) return new Failure({ sentence: error.message, code: exitCodes.storage })
    if (error instanceof TransportError) {
      const inUse = error.reason === "InUse"
      return new Failure({
        sentence: inUse
          ? `Another program listens on ${error.address} already; choose another port with --port.`
          : error.message,
        code: inUse ? exitCodes.portInUse : exitCodes.unexpected
      })
    }
    return error as Exclude<E, TransportError | StateFolderError>
  })

let isSettled = false

/** From here on being told to stop is the right way to end: the exit code is 0 then. */
export const settled: Effect.Effect<void> = Effect.sync(() => {
  isSettled = true
})

export const teardown: Runtime.Teardown = (exit, onExit) => {
  if (Exit.isSuccess(exit)) return onExit(exitCodes.ok)
  if (Cause.hasInterruptsOnly(exit.cause)) return onExit(isSettled ? exitCodes.ok : exitCodes.interrupted)
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
    // The usage was shown by the command line itself.
    if (CliError.isCliError(error)) return Effect.void
    return Effect.flatMap(Output, (output) =>
      output.note(error instanceof Failure ? `piecework: ${error.sentence}` : `piecework: ${Cause.pretty(cause)}`)
    )
  })
