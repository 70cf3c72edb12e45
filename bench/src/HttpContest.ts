/** `piecework get --mode simple` beside what else fetches a file over HTTP, from one server that all ask in turn. */
import { Effect, Option, Path, Schema } from "effect"
import * as Apps from "./Apps.ts"
import * as ClientResult from "./ClientResult.ts"
import * as Contest from "./Contest.ts"
import { announcement, type Invocation, Meter, type ProgramError } from "./Meter.ts"
import type { TestFile } from "./TestFile.ts"
import * as Tools from "./Tools.ts"
import * as Workshop from "./Workshop.ts"

const OriginReady = Schema.Struct({ url: Schema.String })

/** Starts the HTTP server for a file; ended with the scope. */
export const startOrigin = Effect.fnUntraced(function* (file: string) {
  const meter = yield* Meter
  const daemon = yield* meter.start(Apps.origin(file))
  const { url } = yield* announcement(daemon, OriginReady)
  return { daemon, url }
})

/** What both contests are told. */
export interface Options {
  /** The folder to work in. */
  readonly root: string
  readonly file: TestFile
  readonly turns: number
  /** Longest that one program may take. */
  readonly limitMillis: number
  /** Which tools are wanted beside Piecework. */
  readonly wants: (tool: string) => boolean
  readonly note: (text: string) => Effect.Effect<void>
}

export const httpTools = ["curl", "wget", "aria2c", "fetch"] as const
export type HttpTool = (typeof httpTools)[number]

interface Tool {
  readonly tool: HttpTool
  readonly install: string
  readonly version: Effect.Effect<Option.Option<string>, never, Meter>
  readonly invocation: (url: string, output: string) => Invocation
}

const tools: ReadonlyArray<Tool> = [
  { tool: "curl", install: "apt-get install curl", version: Tools.version("curl"), invocation: Apps.curl },
  { tool: "wget", install: "apt-get install wget", version: Tools.version("wget"), invocation: Apps.wget },
  { tool: "aria2c", install: "apt-get install aria2", version: Tools.version("aria2c"), invocation: Apps.aria2Http },
  { tool: "fetch", install: "", version: Effect.succeedSome(`Node ${process.version}`), invocation: Apps.fetch }
]

export const hold = Effect.fn("HttpContest.hold")(function* (options: Options) {
  const { root, file, limitMillis } = options
  const meter = yield* Meter
  const path = yield* Path.Path
  const { daemon, url } = yield* startOrigin(file.path)

  const fetch = Effect.fnUntraced(function* (
    name: string,
    invocation: (output: string, state: string) => Invocation,
    check: (stdout: string) => Effect.Effect<void, ProgramError>
  ) {
    const folder = yield* Workshop.room(root, name)
    const output = path.join(folder, "file")
    const before = yield* daemon.usage
    const measured = yield* meter.run(invocation(output, path.join(folder, "state")), limitMillis)
    const after = yield* daemon.usage
    yield* check(measured.stdout)
    yield* Workshop.verify(name, output, file)
    return Contest.sample(measured, before, after)
  }, Effect.scoped)

  const piecework = {
    name: "piecework, HTTP",
    version: "bundle",
    run: () =>
      fetch(
        "piecework",
        (output, state) => Apps.getSimple(url, output, state),
        (stdout) => ClientResult.expectSource(stdout, "origin", file.size)
      )
  }
  const other = ({ invocation, tool }: Tool, version: string) => ({
    name: `${tool}, HTTP`,
    version,
    run: () =>
      fetch(
        tool,
        (output) => invocation(url, output),
        () => Effect.void
      )
  })
  return yield* Contest.holdBeside({
    ...options,
    piecework,
    others: yield* Effect.forEach(
      tools.filter(({ tool }) => options.wants(tool)),
      (tool) =>
        Effect.map(tool.version, (version) => ({
          tool: tool.tool,
          install: tool.install,
          contender: Option.map(version, (known) => other(tool, known))
        }))
    ),
    bytes: file.size
  })
}, Effect.scoped)
