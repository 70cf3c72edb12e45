/** `piecework doctor`: what keeps this device from having peers, or from downloading at all, and what to do about it. */
import * as Ending from "@piecework/terminal/Ending"
import { Effect } from "effect"
import { Command, Flag } from "effect/cli"
import * as anAgent from "./anAgent.ts"
import * as options from "./options.ts"

const only = Flag.String("only").pipe(
  Flag.withDescription("only these checks, with commas between, like reach,clock"),
  Flag.withMetavar("NAME,…"),
  Flag.optional
)

const url = Flag.String("url").pipe(
  Flag.withDescription("a file at an origin to try byte ranges with; default the last one that was downloaded here"),
  Flag.withMetavar("URL"),
  Flag.optional
)

export const doctor = Command.make(
  "doctor",
  {
    service: options.service,
    serviceCa: options.serviceCa,
    ...anAgent.flags,
    policy: options.policy,
    port: options.port,
    url,
    only,
    json: options.json
  },
  Effect.fn("doctor")(function* (input) {
    yield* Ending.forPrograms(input.json)
    // Only this command needs any of it.
    const { run } = yield* Effect.promise(() => import("./examining.ts"))
    yield* run(input)
  })
).pipe(
  Command.withDescription("Find out what keeps this device from having peers, and what to do about it"),
  Command.withExamples([
    { command: "piecework doctor --service http://service:7670", description: "All checks" },
    { command: "piecework doctor --only reach,clock --json", description: "Some of them, for programs" }
  ])
)
