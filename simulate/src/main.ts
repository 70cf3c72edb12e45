/** `npm run simulate`: a fleet in virtual time, and what crossed the lines of its sites. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Cause, Effect, Exit, Runtime } from "effect"
import { CliError, Command } from "effect/cli"
import { command } from "./SimulateCommand.ts"

/** Wrong usage ends with 2. */
const teardown: Runtime.Teardown = (exit, onExit) => {
  const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
  const isUsage = CliError.isCliError(error) && error._tag === "ShowHelp" && error.errors.length > 0
  return isUsage ? onExit(2) : Runtime.defaultTeardown(exit, onExit)
}

Command.run(command, { version: "0.1.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain({ teardown }))
