/** `piecework get --mode simple` beside `curl`, from one HTTP server that both ask in turn. */
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
  readonly note: (text: string) => Effect.Effect<void>
}

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
  const curl = (version: string) => ({
    name: "curl",
    version,
    run: () =>
      fetch(
        "curl",
        (output) => Apps.curl(url, output),
        () => Effect.void
      )
  })
  const version = yield* Tools.version("curl")
  const [own, other] = yield* Contest.hold({
    contenders: [piecework, ...Option.match(version, { onNone: () => [], onSome: (known) => [curl(known)] })],
    turns: options.turns,
    bytes: file.size,
    note: options.note
  })
  return { piecework: own ?? Contest.absent(""), curl: other ?? Contest.absent("apt-get install curl") }
}, Effect.scoped)
