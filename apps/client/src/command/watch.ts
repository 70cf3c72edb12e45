/** `piecework watch`: the device at work, on the whole terminal, as long as somebody looks. */
import * as Ending from "@piecework/terminal/Ending"
import { Effect } from "effect"
import { Command, Flag } from "effect/cli"
import * as anAgent from "./anAgent.ts"
import * as options from "./options.ts"

const every = Flag.Int("every").pipe(
  Flag.filter(
    (n) => n >= 1 && n <= 600,
    (n) => `${n} is no number of seconds; choose one from 1 to 600`
  ),
  Flag.withDescription("seconds between two looks; default 1"),
  Flag.withMetavar("SECONDS"),
  Flag.withDefault(1)
)

export const watch = Command.make(
  "watch",
  {
    ...anAgent.flags,
    every,
    json: options.json.pipe(Flag.withDescription("print a line of JSON for each moment instead, until it is stopped"))
  },
  Effect.fn("watch")(function* (input) {
    yield* Ending.forPrograms(input.json)
    // What it does takes the socket's client, which other commands start without.
    const { run } = yield* Effect.promise(() => import("./watchMoments.ts"))
    yield* run(input)
  })
).pipe(
  Command.withDescription(
    "Watch the running agent: rates, downloads, peers; q quits. Without a terminal it shows one moment"
  )
)
