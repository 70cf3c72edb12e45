/**
 * How fast `piecework-service publish` takes a file in, beside `openssl dgst -sha256`, which hashes it too and does nothing
 * else. Both on one processor, and ours on two as well. Ratios above 1 mean that Piecework took less time, as a whole
 * process, at the median.
 */
import { cpus } from "node:os"
import { Clock, Effect, Option, Path, Schema } from "effect"
import * as Apps from "./Apps.ts"
import * as Contest from "./Contest.ts"
import { type Invocation, Meter, ProgramError } from "./Meter.ts"
import * as TestFile from "./TestFile.ts"
import * as Tools from "./Tools.ts"
import * as Workshop from "./Workshop.ts"

export interface Options {
  readonly bytes: number
  readonly turns: number
  /** Hears of what goes on. */
  readonly note: (text: string) => Effect.Effect<void>
}

/** Least ratios that this project holds itself to. */
export const targets = { publishToOpenssl: 0.9, publishOnTwoToOpenssl: 1.5 } as const

export const Report = Schema.Struct({
  scenario: Schema.Literal("publish"),
  machine: Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Finite])),
  usageFrom: Schema.Literals(["wait4", "proc", "none"]),
  bytes: Schema.Natural,
  turns: Schema.Natural,
  /** `piecework` on one processor, `pieceworkOnTwo`, `openssl` on one. */
  publish: Contest.Standings,
  ratios: Schema.Struct({
    publishToOpenssl: Schema.NullOr(Schema.Finite),
    /** Ours on two processors; null where there is only one. */
    publishOnTwoToOpenssl: Schema.NullOr(Schema.Finite)
  }),
  targets: Schema.Struct({ publishToOpenssl: Schema.Finite, publishOnTwoToOpenssl: Schema.Finite })
})
export interface Report extends Schema.Schema.Type<typeof Report> {}

/** Time for a start-up, and 20 MB/s. */
const limitOf = (bytes: number): number => 60_000 + bytes / 20_000

const install = "apt-get install openssl util-linux"

export const run = Effect.fn("Publish.run")(function* (options: Options) {
  yield* Apps.prepare
  const { bytes, turns, note } = options
  const meter = yield* Meter
  const path = yield* Path.Path
  const root = yield* Workshop.open(bytes + 67_108_864)
  yield* note(`a file of ${bytes} bytes, under ${root}`)
  const file = yield* TestFile.make(path.join(root, "file"), bytes)
  const limitMillis = limitOf(bytes)

  const measure = Effect.fnUntraced(function* (invocation: Invocation) {
    return yield* meter.run(invocation, limitMillis)
  })
  const publishOn = (processors: string) => ({
    name: `piecework-service publish, processors ${processors}`,
    version: "bundle",
    run: Effect.fnUntraced(function* () {
      const data = yield* Workshop.room(root, "piecework-service")
      const measured = yield* measure(Tools.pinned(processors, Apps.publish(file.path, "http://127.0.0.1/file", data)))
      return Contest.sample(measured, Option.none(), Option.none())
    }, Effect.scoped)
  })
  const openssl = (version: string) => ({
    name: "openssl",
    version,
    run: Effect.fnUntraced(function* () {
      const measured = yield* measure(Tools.pinned("0", Apps.openssl(file.path)))
      if (!measured.stdout.includes(file.sha256)) {
        return yield* new ProgramError({ name: "openssl", reason: "WrongBytes", detail: "another SHA-256" })
      }
      return Contest.sample(measured, Option.none(), Option.none())
    })
  })

  const canPin = Option.isSome(yield* Tools.version("taskset"))
  const version = canPin ? yield* Tools.saysOf("openssl", ["version"], /^OpenSSL \S+/m) : Option.none()
  const publish = yield* Contest.holdBeside({
    piecework: publishOn("0"),
    others: [
      {
        tool: "pieceworkOnTwo",
        install: "a second processor",
        contender: canPin && cpus().length > 1 ? Option.some(publishOn("0,1")) : Option.none()
      },
      { tool: "openssl", install, contender: Option.map(version, openssl) }
    ],
    turns,
    bytes,
    note
  })
  const toOpenssl = (name: string) => {
    const [own, other] = [publish[name], publish["openssl"]]
    return own === undefined || other === undefined ? null : Contest.ratio(own, other)
  }
  const report: Report = {
    scenario: "publish",
    machine: { ...Tools.machine(yield* Clock.currentTimeMillis) },
    usageFrom: meter.method,
    bytes,
    turns,
    publish,
    ratios: { publishToOpenssl: toOpenssl("piecework"), publishOnTwoToOpenssl: toOpenssl("pieceworkOnTwo") },
    targets
  }
  return report
}, Effect.scoped)

/** What could not be measured, in sentences. */
export const failures = (report: Report): ReadonlyArray<string> => Contest.failures([report.publish])
