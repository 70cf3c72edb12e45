/** `npm run demo`: many clients fetch one file at once over one thin line, and the line carries it about once. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect } from "effect"
import { Command } from "effect/cli"
import { FetchHttpClient } from "effect/http"
import { command } from "./DemoCommand.ts"

// The terminal was closed: end in order, as after Ctrl-C.
process.once("SIGHUP", () => process.kill(process.pid, "SIGTERM"))

Command.run(command, { version: "0.1.0" }).pipe(
  Effect.provide([NodeServices.layer, FetchHttpClient.layer]),
  NodeRuntime.runMain
)
