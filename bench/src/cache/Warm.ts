/**
 * A file that is kept, over loopback to nowhere: our cache server beside nginx, turn by turn, each with its cache on the same disk,
 * and what both use of the processors for it.
 */
import { Effect, Option, Path, Schema } from "effect"
import * as Apps from "../Apps.ts"
import { Spread } from "../Contest.ts"
import { useOf } from "../Family.ts"
import { announcement, type Daemon, Meter } from "../Meter.ts"
import * as Statistics from "../Statistics.ts"
import * as TestFile from "../TestFile.ts"
import * as Folders from "./Folders.ts"
import * as FreePort from "./FreePort.ts"
import { ask, authority } from "./Requests.ts"
import type { Server } from "./Servers.ts"
import { targets } from "./Targets.ts"
import * as Timed from "./Timed.ts"

const Figures = Schema.Struct({
  server: Schema.String,
  installed: Schema.Boolean,
  failed: Schema.optionalKey(Schema.String),
  /** As curl says. */
  seconds: Schema.NullOr(Spread),
  mebibytesPerSecond: Schema.NullOr(Schema.Finite),
  /** Of the server and its processes, without curl: median. Ticks of 10 ms. */
  cpuSecondsPerGib: Schema.NullOr(Schema.Finite),
  /** The first time, from the origin on the same machine. */
  coldSeconds: Schema.NullOr(Schema.Finite),
  rssBytes: Schema.NullOr(Schema.Finite)
})
type Figures = typeof Figures.Type

export const WarmResult = Schema.Struct({
  bytes: Schema.Natural,
  servers: Schema.Array(Figures),
  /** Our rate ÷ nginx's. */
  toNginx: Schema.NullOr(Schema.Finite),
  withinTarget: Schema.NullOr(Schema.Boolean)
})
export interface WarmResult extends Schema.Schema.Type<typeof WarmResult> {}

export interface Given {
  readonly bytes: number
  readonly runs: number
  readonly root: string
  readonly keep: boolean
  readonly limitSeconds: number
  readonly note: (text: string) => Effect.Effect<void>
}

const OriginReady = Schema.Struct({ listening: Schema.String })

const gib = 1_073_741_824

interface Standing {
  readonly server: Server
  readonly daemon: Daemon
  readonly address: string
  readonly coldSeconds: number
  readonly seconds: Array<number>
  readonly cpu: Array<number>
}

export const measure = Effect.fn("Warm.measure")(function* (servers: ReadonlyArray<Server>, given: Given) {
  const { bytes, root } = given
  const path = yield* Path.Path
  const meter = yield* Meter
  const file = yield* TestFile.make(path.join(root, "warm"), bytes)
  const { listening } = yield* announcement(yield* meter.start(Apps.origin(file.path)), OriginReady)
  const origin = { host: "127.0.0.1", port: Number(new URL(listening).port) }

  const fetch = Effect.fnUntraced(function* (server: Server, address: string, output = "/dev/null") {
    const asked = ask(server.forms.at(-1) ?? "host", address, authority(origin.host, origin.port), "/file")
    const [timed] = yield* Timed.run(Timed.curl([asked], output), bytes, given.limitSeconds * 1000)
    return timed?.total ?? Number.NaN
  })

  const open = Effect.fnUntraced(function* (server: Server) {
    const host = "127.0.0.1"
    const port = yield* FreePort.find
    const folder = yield* Folders.make(root, `warm-${server.name}`, given.keep)
    const daemon = yield* server.start({
      inside: (invocation) => invocation,
      host,
      port,
      folder,
      origin,
      service: undefined
    })
    const address = authority(host, port)
    const standing: Standing = {
      server,
      daemon,
      address,
      coldSeconds: yield* fetch(server, address),
      seconds: [],
      cpu: []
    }
    return standing
  })

  const all = yield* Effect.forEach(servers, (server) =>
    Effect.flatMap(server.version, (version) =>
      Option.isNone(version)
        ? Effect.succeed<Standing | Figures>(absent(server))
        : Effect.catch(open(server), ({ message }) => Effect.succeed<Standing | Figures>(absent(server, message)))
    )
  )
  for (let turn = 1; turn <= given.runs; turn++) {
    for (const standing of all) {
      if (!("daemon" in standing)) continue
      const before = useOf(standing.daemon.pid)?.cpuSeconds ?? Number.NaN
      const seconds = yield* fetch(standing.server, standing.address)
      const cpu = (useOf(standing.daemon.pid)?.cpuSeconds ?? Number.NaN) - before
      standing.seconds.push(seconds)
      if (Number.isFinite(cpu)) standing.cpu.push(cpu)
      yield* given.note(
        `warm, run ${turn}: ${standing.server.name} ${seconds.toFixed(3)} s, ${cpu.toFixed(2)} s of processor time`
      )
    }
  }
  const figures = all.map((one) => ("daemon" in one ? figuresOf(one, bytes) : one))
  const secondsOf = (name: string) => figures.find(({ server }) => server === name)?.seconds?.median
  const [own, nginx] = [secondsOf("piecework"), secondsOf("nginx")]
  const toNginx = own === undefined || nginx === undefined ? null : Statistics.round(nginx / own, 3)
  return {
    bytes,
    servers: figures,
    toNginx,
    withinTarget: toNginx === null ? null : toNginx >= targets.warmToNginx
  } satisfies WarmResult
}, Effect.scoped)

const absent = (server: Server, failed?: string): Figures => ({
  server: server.name,
  installed: failed !== undefined,
  ...(failed === undefined ? {} : { failed }),
  seconds: null,
  mebibytesPerSecond: null,
  cpuSecondsPerGib: null,
  coldSeconds: null,
  rssBytes: null
})

const figuresOf = ({ coldSeconds, cpu, daemon, seconds, server }: Standing, bytes: number): Figures => {
  const spread = Statistics.spread(seconds.map((one) => Statistics.round(one, 3)))
  const used = Statistics.spread(cpu)
  return {
    server: server.name,
    installed: true,
    seconds: spread ?? null,
    mebibytesPerSecond: spread === undefined ? null : Statistics.round(bytes / 1_048_576 / spread.median, 1),
    cpuSecondsPerGib: used === undefined ? null : Statistics.round((used.median * gib) / bytes, 2),
    coldSeconds: Statistics.round(coldSeconds, 3),
    rssBytes: useOf(daemon.pid)?.rssBytes ?? null
  }
}
