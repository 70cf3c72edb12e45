/** The command `log` of the programs that keep one: shows it, analyses it, and makes it verbose. What it does is loaded when it is run. */
import * as Level from "@piecework/logs/Level"
import * as Logs from "@piecework/logs/Logs"
import { Duration, Effect, type FileSystem, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as Ending from "./Ending.ts"
import type { Failure } from "./Failure.ts"

/** Of programs that write a log to standard error. */
export const format = Flag.Literals("log-format", Logs.formats).pipe(
  Flag.withDescription("how the log is written on standard error: text, or json with a line an entry; default text"),
  Flag.withDefault("text")
)

/** Whose log it is. */
export interface Whose {
  /** The flag that names its state folder. */
  readonly state: Flag.Flag<Option.Option<string>>
  /** The folder with the files of its log. */
  readonly folderOf: (state: Option.Option<string>) => string
  /** Fails where the state folder can be none. */
  readonly check: (state: Option.Option<string>) => Effect.Effect<void, Failure, FileSystem.FileSystem>
}

const json = Flag.Boolean("json").pipe(
  Flag.withDescription("print a JSON object for each entry, one a line"),
  Flag.withDefault(false)
)

const path = Flag.String("path").pipe(
  Flag.withDescription("folder with the files of a log; default that of the state folder"),
  Flag.withMetavar("FOLDER"),
  Flag.optional
)

const level = Flag.Literals("level", Level.words).pipe(
  Flag.withDescription("leave out what matters less; default verbose, which is all"),
  Flag.withDefault("verbose"),
  Flag.map(Level.ofWord)
)

/** Epoch milliseconds of "2026-01-31T08:00", or a span of time that has passed since then. */
export const momentOf = (text: string, now: number): Option.Option<number> => {
  const span = /^(\d+(?:\.\d+)?)\s*(s|m|min|h|d)$/.exec(text.trim())
  if (span !== null) return Option.some(now - Number(span[1]) * spans[span[2] as keyof typeof spans])
  const at = /^\d{4}-\d\d-\d\d/.test(text.trim()) ? Date.parse(text.trim()) : Number.NaN
  return Number.isNaN(at) ? Option.none() : Option.some(at)
}

const spans = { s: 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 } as const

const since = Flag.String("since").pipe(
  Flag.withDescription(
    'leave out what is older: a time like 2026-01-31T08:00, or how long ago, like "90s", "2h" or "3d"'
  ),
  Flag.withMetavar("WHEN"),
  Flag.filterMap(
    (text) => momentOf(text, Date.now()),
    (text) => `"${text}" is no time; write 2026-01-31T08:00, or how long ago, like 90s, 2h or 3d`
  ),
  Flag.optional
)

const flush = Flag.Boolean("flush").pipe(
  Flag.withDescription("wait first until running programs have written what they have said"),
  Flag.withDefault(false)
)

const follow = Flag.Boolean("follow").pipe(
  Flag.withAlias("f"),
  Flag.withDescription("go on with what is written from now on; end with Ctrl-C"),
  Flag.withDefault(false)
)

const connections = Flag.Boolean("connections").pipe(
  Flag.withDescription("show each connection as well; those that ended while the log was verbose"),
  Flag.withDefault(false)
)

export const make = ({ check, folderOf, state }: Whose) => {
  const folder = Effect.fnUntraced(function* (input: {
    readonly path: Option.Option<string>
    readonly state: Option.Option<string>
  }) {
    if (Option.isSome(input.path)) return input.path.value
    yield* check(input.state)
    return folderOf(input.state)
  })
  const view = Effect.promise(() => import("./LogView.ts"))

  const verbose = Command.make(
    "verbose",
    {
      is: Argument.Literals("on|off", ["on", "off"]).pipe(
        Argument.withDescription("whether verbose entries are written")
      ),
      state,
      path
    },
    Effect.fn("log.verbose")(function* (input) {
      const { setVerbose } = yield* view
      yield* setVerbose(yield* folder(input), input.is === "on")
    })
  ).pipe(Command.withDescription("Have running programs, and those that start later, write verbose entries, or not"))

  const analyze = Command.make(
    "analyze",
    {
      state,
      path,
      since,
      flush,
      connections,
      json: Flag.withDescription(json, "print one JSON object instead of text")
    },
    Effect.fn("log.analyze")(function* (input) {
      yield* Ending.forPrograms(input.json)
      const { analyze: run } = yield* view
      yield* run({ ...input, folder: yield* folder(input), since: Option.getOrUndefined(input.since) })
    })
  ).pipe(Command.withDescription("Show what the log says of how well peers helped with downloads"))

  return Command.make(
    "log",
    { state, path, level, since, follow, flush, json },
    Effect.fn("log")(function* (input) {
      yield* Ending.forPrograms(input.json)
      const { show } = yield* view
      yield* show({ ...input, folder: yield* folder(input), since: Option.getOrUndefined(input.since) })
    })
  ).pipe(
    Command.withDescription("Show the log, the entries of all programs that write to it"),
    Command.withSubcommands([verbose, analyze])
  )
}

/** What `--flush` waits: a program keeps an entry to itself for half a second at most, unless it is very busy. */
export const flushing = Duration.seconds(1)
