#!/usr/bin/env node
/** `piecework-cache`: the cache server of a site. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Traces from "@piecework/telemetry/Traces"
import * as Ending from "@piecework/terminal/Ending"
import { logger, Output } from "@piecework/terminal/Output"
import { Effect } from "effect"
import { Command } from "effect/cli"
import { enrol } from "./command/enrol.ts"
import { log } from "./command/log.ts"
import { check, forget, list, status } from "./command/running.ts"
import { serve } from "./command/serve.ts"
import { tagOf } from "./ExitCode.ts"
import { version } from "./version.ts"

const cache = Command.make("piecework-cache").pipe(
  Command.withDescription("Keeps what the devices of a site fetch, so that it crosses the line once"),
  Command.withSubcommands([serve, status, list, forget, check, log, enrol])
)

Command.run(cache, { version }).pipe(
  Effect.andThen(Effect.flatMap(Output, (output) => output.complete)),
  Ending.reported({ name: "piecework-cache", tagOf, logsStop: true }),
  Effect.provide([NodeServices.layer, Output.layer, logger("piecework-cache"), Traces.off]),
  NodeRuntime.runMain({ disableErrorReporting: true, teardown: Ending.teardown })
)
