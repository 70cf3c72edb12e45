/** The origin as a process: `origin.ts --file FILE --rate 100mbit`. Prints where it listens as one line of JSON. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Effect } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import * as FileOrigin from "./FileOrigin.ts"
import { Rate } from "./Rate.ts"

const command = Command.make(
  "origin",
  {
    file: Flag.String("file"),
    rate: Flag.String("rate").pipe(Flag.withSchema(Rate)),
    port: Flag.Int("port").pipe(Flag.withDefault(0))
  },
  Effect.fnUntraced(
    function* ({ file, rate, port }) {
      const origin = yield* FileOrigin.serve({ file, bytesPerSecond: rate / 8, host: "127.0.0.1", port })
      yield* Console.log(JSON.stringify({ listening: new URL(origin.url).origin, url: origin.url }))
      return yield* Effect.never
    },
    Effect.scoped,
    Effect.mapError((cause) => new CliError.UserError({ cause }))
  )
).pipe(Command.withDescription("Serve one file over a line of limited rate"))

Command.run(command, { version: "0.1.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
