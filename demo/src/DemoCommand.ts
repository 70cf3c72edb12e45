/** The command line of the demo: what it takes, what it prints, how it fails. */
import { Console, Effect, Option, Schema, Terminal } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import * as Demo from "./Demo.ts"
import * as Ink from "./Ink.ts"
import { Rate } from "./Rate.ts"
import { type Report, succeeded } from "./Report.ts"
import * as Screen from "./Screen.ts"
import * as Summary from "./Summary.ts"

/** Not every client has the right file. */
export class NotVerified extends Schema.TaggedError<NotVerified>()("NotVerified", {
  failures: Schema.Array(Schema.Struct({ client: Schema.Natural, message: Schema.String }))
}) {
  override get message(): string {
    return this.failures.map(({ message }) => message).join("\n")
  }
}

export const command = Command.make(
  "demo",
  {
    clients: Flag.Int("clients").pipe(
      Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 200 }))),
      Flag.withDefault(8),
      Flag.withDescription("How many clients fetch the file at the same time (default 8)")
    ),
    file: Flag.String("file").pipe(
      Flag.optional,
      Flag.withDescription("The file they fetch, over 10 MB (default: the Node executable that runs the demo)")
    ),
    rate: Flag.String("rate").pipe(
      Flag.withSchema(Rate),
      Flag.withDefault(100e6),
      Flag.withDescription("Rate of the origin's line, all connections together (default 100mbit)")
    ),
    json: Flag.Boolean("json").pipe(
      Flag.withDefault(false),
      Flag.withDescription("Print one JSON object at the end, and nothing else")
    ),
    keep: Flag.Boolean("keep").pipe(
      Flag.withDefault(false),
      Flag.withDescription("Leave the files and the clients' caches on disk")
    )
  },
  Effect.fnUntraced(
    function* (flags) {
      const run = yield* Demo.prepare({
        clients: flags.clients,
        file: Option.getOrElse(flags.file, () => process.execPath),
        bitsPerSecond: flags.rate,
        keep: flags.keep
      })
      const show = flags.json ? Effect.void : process.stdout.isTTY ? Screen.paint(run.board) : Screen.log(run.board)
      const report = yield* Effect.scoped(Effect.andThen(show, run.report))
      yield* flags.json ? Console.log(JSON.stringify(report)) : print(report)
      const folder = yield* run.folder
      if (flags.keep && folder !== undefined) yield* Console.error(`Files and caches are in ${folder}`)
      if (!succeeded(report)) return yield* new NotVerified({ failures: report.failures })
    },
    Effect.mapError((cause) => new CliError.UserError({ cause }))
  )
).pipe(
  Command.withDescription(
    "Many clients fetch one file at the same time over one thin line: what the line carries, what peers give each other"
  )
)

const print = Effect.fnUntraced(function* (report: Report) {
  const terminal = yield* Terminal.Terminal
  const paper = Ink.paperOf(process.env, yield* terminal.columns, yield* terminal.rows)
  const shown = process.stdout.isTTY ? paper : { ...paper, colour: false, columns: 200 }
  yield* Console.log(`\n${Summary.render(report, shown).join("\n")}`)
})
