/** `npm run bench -- SCENARIO`: measures, and prints JSON. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer } from "effect"
import { Command } from "effect/cli"
import { command } from "./BenchCommand.ts"
import { Meter } from "./Meter.ts"

// The terminal was closed: end in order, as after Ctrl-C.
process.once("SIGHUP", () => process.kill(process.pid, "SIGTERM"))

Command.run(command, { version: "0.1.0" }).pipe(
  Effect.provide(Layer.provideMerge(Meter.layer, NodeServices.layer)),
  NodeRuntime.runMain
)
