/** `piecework explain`: why a download went as it did. */
import * as Ending from "@piecework/terminal/Ending"
import { Effect } from "effect"
import { Argument, Command } from "effect/cli"
import * as anAgent from "./anAgent.ts"
import * as options from "./options.ts"

const what = Argument.String("what").pipe(
  Argument.withDescription(
    "a job of the agent, a file, a URL, or a content id, or as much of an id as is enough; default: the latest download"
  ),
  Argument.optional
)

export const explain = Command.make(
  "explain",
  { what, ...anAgent.flags, policy: options.policy, json: options.json },
  Effect.fn("explain")(function* (input) {
    yield* Ending.forPrograms(input.json)
    const { run } = yield* Effect.promise(() => import("./explaining.ts"))
    yield* run(input)
  })
).pipe(
  Command.withDescription(
    "Say why a download went as it did: why no peers, why HTTP, what came from where, what it waited for"
  ),
  Command.withExamples([
    { command: "piecework explain", description: "Explain the latest download" },
    { command: "piecework explain image.iso", description: "Explain the download that made a file" }
  ])
)
