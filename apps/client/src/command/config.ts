/** `piecework config`: the settings in force, and who says them. */
import * as Ending from "@piecework/terminal/Ending"
import { Effect } from "effect"
import { Command, Flag } from "effect/cli"
import * as options from "./options.ts"

const explain = Flag.String("explain").pipe(
  Flag.withDescription("everything about one setting"),
  Flag.withMetavar("NAME"),
  Flag.optional
)

export const config = Command.make(
  "config",
  {
    policy: options.policy,
    explain,
    service: options.service,
    serviceCa: options.serviceCa,
    state: options.state,
    json: options.json
  },
  Effect.fn("config")(function* (input) {
    yield* Ending.forPrograms(input.json)
    const { run } = yield* Effect.promise(() => import("./settingsShown.ts"))
    yield* run(input)
  })
).pipe(
  Command.withDescription("Show the settings in force, and where each comes from"),
  Command.withExamples([
    { command: "piecework config", description: "All settings" },
    { command: "piecework config --explain DODownloadMode", description: "One of them, in full" }
  ])
)
