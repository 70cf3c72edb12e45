/**
 * `curl -x` through an agent's proxy beside curl by itself, turn by turn in one run on loopback: how much later the first byte comes, and how much
 * longer all of it takes. A content that the service knows comes from the origin the first time (cold) and from the cache the second
 * (warm); one that it does not know passes through. Times are curl's own, so its start is in none of them. The agent has sent another
 * content before, since the first of its life finds code that never ran.
 */
import { Clock, Effect, FileSystem, Path, Schema } from "effect"
import * as Apps from "../Apps.ts"
import { announcement, type Daemon, type Invocation, Meter, ProgramError } from "../Meter.ts"
import * as Statistics from "../Statistics.ts"
import * as TestFile from "../TestFile.ts"
import * as Tools from "../Tools.ts"
import * as Workshop from "../Workshop.ts"

export interface Options {
  readonly bytes: number
  readonly turns: number
  /** Hears of what goes on. */
  readonly note: (text: string) => Effect.Effect<void>
}

/** Cold and warm come in this order: each turn has an agent of its own. */
export const ways = ["direct", "cold", "warm", "unknown"] as const
export type Way = (typeof ways)[number]

/** Where curl puts what it gets: nowhere, or into a file in memory or on a disk, as TMPDIR says. */
export const sinks = ["nowhere", "file"] as const
export type Sink = (typeof sinks)[number]

const Spread = Schema.Struct({ median: Schema.Finite, min: Schema.Finite, max: Schema.Finite })

const Figures = Schema.Struct({
  firstByteMillis: Spread,
  seconds: Spread,
  mebibytesPerSecond: Schema.Finite,
  /** Processor seconds of the agent; null where the system does not tell. */
  agentCpuSeconds: Schema.NullOr(Schema.Finite)
})

const Compared = Schema.Struct({
  direct: Figures,
  cold: Figures,
  warm: Figures,
  unknown: Figures,
  /** Milliseconds that the first byte comes later than directly, of the medians. */
  later: Schema.Record(Schema.String, Schema.Finite),
  /** Times as fast as directly, at the medians. */
  ratios: Schema.Record(Schema.String, Schema.Finite)
})

export const Report = Schema.Struct({
  scenario: Schema.Literal("proxy"),
  machine: Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Finite])),
  bytes: Schema.Natural,
  turns: Schema.Natural,
  nowhere: Compared,
  file: Compared,
  /** The first byte that an agent sends since it started, of another known content. */
  freshFirstByteMillis: Spread,
  /** First bytes of files of 1 KiB that nobody knows, each asked for once. */
  small: Schema.Struct({ requests: Schema.Natural, directMillis: Schema.Finite, throughMillis: Schema.Finite }),
  targets: Schema.Struct({
    laterMillis: Schema.Finite,
    ratio: Schema.Finite,
    /** The ways that the ratio is asked of. */
    ratioOf: Schema.Array(Schema.String)
  })
})
export interface Report extends Schema.Schema.Type<typeof Report> {}

/**
 * The first byte holds for every way, the speed for a content that the agent has. One that it has to fetch, hash and keep meanwhile shares
 * two cores with its origin: SHA-256 alone takes all the processor time that curl to nowhere leaves at 0.7 of its speed.
 */
export const targets = { laterMillis: 50, ratio: 0.7, ratioOf: ["warm"] } as const

export const failures = (report: Report): ReadonlyArray<string> =>
  sinks.flatMap((sink) => {
    const { later, ratios } = report[sink]
    return [
      ...Object.entries(later)
        .filter(([, millis]) => millis > targets.laterMillis)
        .map(([way, millis]) => `The first byte (${way}, to ${sink}) came ${millis} ms later than directly.`),
      ...Object.entries(ratios)
        .filter(([way, ratio]) => targets.ratioOf.some((one) => one === way) && ratio < targets.ratio)
        .map(([way, ratio]) => `It was ${ratio} times as fast as directly (${way}, to ${sink}).`)
    ]
  })

const Ready = Schema.Struct({ url: Schema.String, listening: Schema.String })
const ServiceReady = Schema.Struct({ listening: Schema.String })
const AgentReady = Schema.Struct({ proxy: Schema.String })
const Timed = Schema.fromJsonString(
  Schema.Struct({ firstByte: Schema.Finite, total: Schema.Finite, bytes: Schema.Finite, status: Schema.Finite })
)

/** One line for each URL. */
const curl = (urls: ReadonlyArray<string>, output: string, proxy: string | undefined): Invocation => ({
  name: proxy === undefined ? "curl" : "curl -x",
  command: "curl",
  args: [
    "--silent",
    "--show-error",
    "--fail",
    ...(proxy === undefined ? ["--noproxy", "*"] : ["--noproxy", "", "--proxy", `http://${proxy}`]),
    "--write-out",
    '{"firstByte":%{time_starttransfer},"total":%{time_total},"bytes":%{size_download},"status":%{http_code}}\\n',
    ...urls.flatMap((url) => ["--output", output, url])
  ]
})

interface Sample {
  readonly firstByteMillis: number
  readonly seconds: number
  readonly cpuSeconds: number | null
}

const smallRequests = 40

export const run = Effect.fn("Proxy.run")(function* ({ bytes, note, turns }: Options) {
  yield* Apps.prepare
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const meter = yield* Meter
  const root = yield* Workshop.open(bytes * 4)
  const limitMillis = 60_000 + bytes / 10_000
  yield* note(`One file of ${bytes} bytes under ${root}`)

  const file = yield* TestFile.make(path.join(root, "file"), bytes)
  const before = yield* TestFile.make(path.join(root, "before"), 12 * 1_048_576)
  const small = yield* TestFile.make(path.join(root, "small"), 1024)
  const origin = yield* announcement(yield* meter.start(Apps.origin(file.path)), Ready)
  const smallOrigin = yield* announcement(yield* meter.start(Apps.origin(small.path)), Ready)
  const data = path.join(root, "service")
  const beforeOrigin = yield* announcement(yield* meter.start(Apps.origin(before.path)), Ready)
  yield* meter.run(Apps.publish(file.path, origin.url, data), limitMillis)
  yield* meter.run(Apps.publish(before.path, beforeOrigin.url, data), limitMillis)
  const service = yield* announcement(yield* meter.start(Apps.service(data)), ServiceReady)
  const output = path.join(root, "output")

  const fetch = Effect.fnUntraced(function* (
    urls: ReadonlyArray<string>,
    to: string,
    proxy: string | undefined,
    size: number
  ) {
    const invocation = curl(urls, to, proxy)
    const { stdout } = yield* meter.run(invocation, limitMillis)
    return yield* Effect.forEach(stdout.trim().split("\n"), (line) =>
      Schema.decodeUnknownEffect(Timed)(line).pipe(
        Effect.mapError(
          (cause) => new ProgramError({ name: invocation.name, reason: "Unintelligible", detail: line, cause })
        ),
        Effect.filterOrFail(
          (timed) => timed.bytes === size && timed.status === 200,
          () => new ProgramError({ name: invocation.name, reason: "WrongBytes", detail: line })
        )
      )
    )
  })

  const sample = Effect.fnUntraced(function* (way: Way, sink: Sink, agent: Agent) {
    const url = way === "unknown" ? `${origin.url}?unknown` : origin.url
    const usedBefore = yield* agent.daemon.usage
    const to = sink === "file" ? output : "/dev/null"
    const [timed] = yield* fetch([url], to, way === "direct" ? undefined : agent.proxy, bytes)
    const after = yield* agent.daemon.usage
    if (timed === undefined) return yield* Effect.die(new Error("curl fetched nothing"))
    if (sink === "file") {
      yield* Workshop.verify(way, output, file)
      yield* Effect.orDie(fs.remove(output))
    }
    yield* note(
      `${way}, to ${sink}: ${timed.total.toFixed(2)} s, first byte after ${(timed.firstByte * 1000).toFixed(1)} ms`
    )
    return {
      firstByteMillis: Statistics.round(timed.firstByte * 1000, 2),
      seconds: timed.total,
      cpuSeconds:
        usedBefore._tag === "Some" && after._tag === "Some"
          ? after.value.cpuSeconds - usedBefore.value.cpuSeconds
          : null
    } satisfies Sample
  })

  const start = Effect.gen(function* () {
    const state = yield* Workshop.room(root, "agent")
    const daemon = yield* meter.start(
      Apps.proxyAgent({ service: service.listening, state, proxy: "127.0.0.1:0", port: 0 })
    )
    const { proxy } = yield* announcement(daemon, AgentReady)
    return { daemon, proxy }
  })

  const samples: Record<Sink, Record<Way, Array<Sample>>> = { nowhere: none(), file: none() }
  const freshMillis: Array<number> = []
  const smallMillis: Record<"direct" | "through", Array<number>> = { direct: [], through: [] }
  for (let turn = 1; turn <= turns; turn++) {
    for (const sink of sinks) {
      yield* Effect.scoped(
        Effect.gen(function* () {
          const agent = yield* start
          const [timed] = yield* fetch([beforeOrigin.url], "/dev/null", agent.proxy, before.size)
          if (timed !== undefined) freshMillis.push(timed.firstByte * 1000)
          for (const way of ways) samples[sink][way].push(yield* sample(way, sink, agent))
          if (sink === "file") return
          const urls = Array.from({ length: smallRequests }, (_, i) => `${smallOrigin.url}?${turn}-${i}`)
          for (const [way, proxy] of [
            ["direct", undefined],
            ["through", agent.proxy]
          ] as const) {
            const all = yield* fetch(urls, "/dev/null", proxy, 1024)
            smallMillis[way].push(...all.map(({ firstByte }) => firstByte * 1000))
          }
        })
      )
    }
  }
  const report: Report = {
    scenario: "proxy",
    machine: { ...Tools.machine(yield* Clock.currentTimeMillis) },
    bytes,
    turns,
    nowhere: compared(samples.nowhere, bytes),
    file: compared(samples.file, bytes),
    freshFirstByteMillis: spreadOf(freshMillis),
    small: {
      requests: smallMillis.direct.length,
      directMillis: medianOf(smallMillis.direct),
      throughMillis: medianOf(smallMillis.through)
    },
    targets
  }
  return report
}, Effect.scoped)

interface Agent {
  readonly daemon: Daemon
  readonly proxy: string
}

const none = (): Record<Way, Array<Sample>> => ({ direct: [], cold: [], warm: [], unknown: [] })

const spreadOf = (numbers: ReadonlyArray<number>): typeof Spread.Type =>
  Statistics.spread(numbers) ?? { median: 0, min: 0, max: 0 }

const medianOf = (numbers: ReadonlyArray<number>): number => Statistics.round(spreadOf(numbers).median, 2)

const figures = (samples: ReadonlyArray<Sample>, bytes: number): typeof Figures.Type => {
  const seconds = spreadOf(samples.map((one) => one.seconds))
  const cpu = samples.map(({ cpuSeconds }) => cpuSeconds).filter((known) => known !== null)
  return {
    firstByteMillis: spreadOf(samples.map((one) => one.firstByteMillis)),
    seconds,
    mebibytesPerSecond: Statistics.round(bytes / 1_048_576 / seconds.median, 1),
    agentCpuSeconds: cpu.length === 0 ? null : medianOf(cpu)
  }
}

/** The figures of each way, and those of the others beside the direct one. */
export const compared = (
  samples: { readonly [W in Way]: ReadonlyArray<Sample> },
  bytes: number
): typeof Compared.Type => {
  const direct = figures(samples.direct, bytes)
  const through = {
    cold: figures(samples.cold, bytes),
    warm: figures(samples.warm, bytes),
    unknown: figures(samples.unknown, bytes)
  }
  const each = (of: (one: typeof Figures.Type) => number) =>
    Object.fromEntries(Object.entries(through).map(([way, one]) => [way, of(one)]))
  return {
    direct,
    ...through,
    later: each((one) => Statistics.round(one.firstByteMillis.median - direct.firstByteMillis.median, 2)),
    ratios: each((one) => Statistics.round(direct.seconds.median / one.seconds.median, 3))
  }
}
