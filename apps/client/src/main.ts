#!/usr/bin/env node
/** `piecework`: the client of Piecework on the command line. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Traces from "@piecework/telemetry/Traces"
import * as Ending from "@piecework/terminal/Ending"
import { logger, Output } from "@piecework/terminal/Output"
import { Effect } from "effect"
import { Command } from "effect/cli"
import { activity } from "./command/activity.ts"
import { agent } from "./command/agent.ts"
import { cache } from "./command/cache.ts"
import { config } from "./command/config.ts"
import { doctor } from "./command/doctor.ts"
import { enrol } from "./command/enrol.ts"
import { explain } from "./command/explain.ts"
import { forget } from "./command/forget.ts"
import { get } from "./command/get.ts"
import { jobs } from "./command/jobs.ts"
import { log } from "./command/log.ts"
import { perf } from "./command/perf.ts"
import { phf } from "./command/phf.ts"
import { status } from "./command/status.ts"
import { watch } from "./command/watch.ts"
import { tagOf } from "./ExitCode.ts"
import { version } from "./version.ts"

const piecework = Command.make("piecework").pipe(
  Command.withDescription("Delivers large files to many devices so that each site pays for each byte once"),
  Command.withSubcommands([
    get,
    agent,
    activity,
    status,
    perf,
    watch,
    cache,
    jobs,
    log,
    config,
    doctor,
    explain,
    phf,
    forget,
    enrol
  ])
)

Command.run(piecework, { version }).pipe(
  Effect.andThen(Effect.flatMap(Output, (output) => output.complete)),
  Ending.reported({ name: "piecework", tagOf }),
  Effect.provide([NodeServices.layer, Output.layer, logger("piecework"), Traces.off]),
  NodeRuntime.runMain({ disableErrorReporting: true, teardown: Ending.teardown })
)
