/** The origin as a process: `origin.ts --file FILE --rate 100mbit`. Prints where it listens as one line of JSON. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Effect } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import * as FileOrigin from "./FileOrigin.ts"
import { Rate } from "./Rate.ts"

const inputEnds = Effect.callback<void>((resume) => {
  process.stdin.once("end", () => resume(Effect.void)).once("error", () => resume(Effect.void))
  process.stdin.resume()
})

const command = Command.make(
  "origin",
  {
    file: Flag.String("file"),
    rate: Flag.String("rate").pipe(Flag.withSchema(Rate)),
    port: Flag.Int("port").pipe(Flag.withDefault(0)),
    whileInput: Flag.Boolean("while-input").pipe(
      Flag.withDefault(false),
      Flag.withDescription("End when standard input ends, as it does with whoever started this")
    )
  },
  Effect.fnUntraced(
    function* ({ file, rate, port, whileInput }) {
      const origin = yield* FileOrigin.serve({ file, bytesPerSecond: rate / 8, host: "127.0.0.1", port })
      yield* Console.log(JSON.stringify({ listening: new URL(origin.url).origin, url: origin.url }))
      return yield* whileInput ? inputEnds : Effect.never
    },
    Effect.scoped,
    Effect.mapError((cause) => new CliError.UserError({ cause }))
  )
).pipe(Command.withDescription("Serve one file over a line of limited rate"))

Command.run(command, { version: "0.1.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
