/** `npm run demo`: many clients fetch one file at once over one thin line, and the line carries it about once. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Cause, Effect, Exit, Runtime } from "effect"
import { CliError, Command } from "effect/cli"
import { FetchHttpClient } from "effect/http"
import { command } from "./DemoCommand.ts"

// The terminal was closed, or somebody pressed Ctrl-\\: end in order, as after Ctrl-C.
for (const signal of ["SIGHUP", "SIGQUIT"] as const) process.once(signal, () => process.kill(process.pid, "SIGTERM"))

/** Why the output could not be written, when it could not. */
let lost: NodeJS.ErrnoException | undefined
// A reader that went away (`| head`) is no failure; a full disk is one, but only at the end.
process.stdout.on("error", (error: NodeJS.ErrnoException) => void (lost ??= error.code === "EPIPE" ? undefined : error))
process.stderr.on("error", () => {})

/** Wrong usage ends with 2, a report that nobody could read with 1. */
const teardown: Runtime.Teardown = (exit, onExit) => {
  if (Exit.isSuccess(exit) && lost !== undefined) {
    process.stderr.write(`demo: The report could not be written (${lost.code ?? lost.message}).\n`)
    return onExit(1)
  }
  const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
  const isUsage = CliError.isCliError(error) && error._tag === "ShowHelp" && error.errors.length > 0
  return isUsage ? onExit(2) : Runtime.defaultTeardown(exit, onExit)
}

Command.run(command, { version: "0.1.0" }).pipe(
  Effect.provide([NodeServices.layer, FetchHttpClient.layer]),
  NodeRuntime.runMain({ teardown })
)
