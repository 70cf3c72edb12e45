/** How a command's troubles become sentences and exit codes, and how its process ends. */
import { TransportError } from "@piecework/transport/ByteStream"
import { Cause, Effect, Exit, Runtime } from "effect"
import { CliError } from "effect/cli"
import { exitCodes, tagOf } from "./ExitCode.ts"
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
      return notListening(error)
    }
    return error as Exclude<E, TransportError | StateFolderError>
  })

const notListening = (error: TransportError): Failure => {
  const { address } = error
  switch (error.reason) {
    case "InUse":
      return new Failure({
        sentence: `Another program listens on ${address} already; choose another port with --port.`,
        code: exitCodes.portInUse
      })
    case "Denied":
      return new Failure({
        sentence: `This user may not listen on ${address}; choose a port above 1023 with --port.`,
        code: exitCodes.address
      })
    case "Unreachable":
    case "Unresolved":
      return new Failure({
        sentence: `${address.replace(/:\d+$/, "")} is no address of this machine; choose another with --host.`,
        code: exitCodes.address
      })
    default:
      return new Failure({ sentence: error.message, code: exitCodes.address })
  }
}

let isSettled = false
let isForPrograms = false

/** Whether standard output belongs to a program: then it is told of a failure there, too. */
export const forPrograms = (is: boolean): Effect.Effect<void> =>
  Effect.sync(() => {
    isForPrograms = is
  })

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
  Effect.onExit(effect, (exit) => {
    if (Exit.isSuccess(exit)) return Effect.void
    const { cause } = exit
    const isInterrupted = Cause.hasInterruptsOnly(cause)
    if (isInterrupted && isSettled) return Effect.void
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
      if (!isInterrupted) yield* output.note(`piecework: ${sentence}`)
      if (!isForPrograms) return
      yield* output.line(JSON.stringify({ error: { code, tag: tagOf(code), message: sentence } }))
    })
  })
