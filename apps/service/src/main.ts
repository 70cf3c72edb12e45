#!/usr/bin/env node
/** `piecework-service`: the matching service of Piecework, and what is published there. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Ending from "@piecework/terminal/Ending"
import { Output } from "@piecework/terminal/Output"
import { Effect, Layer, Logger } from "effect"
import { Command } from "effect/cli"
import { audit } from "./command/audit.ts"
import { consoleLink } from "./command/console.ts"
import { content } from "./command/content.ts"
import { backup } from "./command/backup.ts"
import { migrate } from "./command/migrate.ts"
import { status } from "./command/status.ts"
import { swarm } from "./command/swarm.ts"
import { init } from "./command/init.ts"
import { key } from "./command/key.ts"
import { list } from "./command/list.ts"
import { node } from "./command/node.ts"
import { publish } from "./command/publish.ts"
import { device } from "./command/device.ts"
import { report } from "./command/report.ts"
import { rule } from "./command/rule.ts"
import { serve } from "./command/serve.ts"
import { setting } from "./command/setting.ts"
import { token } from "./command/token.ts"
import { unpublish } from "./command/unpublish.ts"
import { tagOf } from "./ExitCode.ts"
import { version } from "./version.ts"

const service = serve.pipe(
  Command.withSubcommands([
    init,
    publish,
    list,
    unpublish,
    content,
    rule,
    setting,
    audit,
    key,
    token,
    consoleLink,
    device,
    node,
    swarm,
    status,
    report,
    backup,
    migrate
  ])
)

Command.run(service, { version }).pipe(
  Effect.andThen(Effect.flatMap(Output, (output) => output.complete)),
  Ending.reported({ name: "piecework-service", tagOf, logsStop: true }),
  Effect.provide([NodeServices.layer, Output.layer, Layer.succeed(Logger.LogToStderr, true)]),
  NodeRuntime.runMain({ disableErrorReporting: true, teardown: Ending.teardown })
)
