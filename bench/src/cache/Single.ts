/**
 * One client by a cold cache beside the same client without: how fast a file comes over the line, and how much later its first byte
 * does, turn by turn. Each URL is asked for once, so that none is kept when it is asked for.
 */
import { Effect, FileSystem, Path, Schema } from "effect"
import * as Apps from "../Apps.ts"
import { Meter } from "../Meter.ts"
import { inside } from "../site/Contestant.ts"
import { originPort } from "../site/Round.ts"
import type { Topology } from "../site/Topology.ts"
import * as Statistics from "../Statistics.ts"
import * as TestFile from "../TestFile.ts"
import * as Workshop from "../Workshop.ts"
import { ports } from "./Devices.ts"
import * as Folders from "./Folders.ts"
import { ask } from "./Requests.ts"
import type { Server } from "./Servers.ts"
import { targets } from "./Targets.ts"
import * as Timed from "./Timed.ts"

const kinds = ["small", "range"] as const
type Kind = (typeof kinds)[number]

const ways = ["direct", "cached"] as const
type Way = (typeof ways)[number]

const FirstByte = Schema.Struct({
  /** Medians. */
  directMillis: Schema.Finite,
  cachedMillis: Schema.Finite,
  laterMillis: Schema.Finite,
  requests: Schema.Natural
})

export const SingleResult = Schema.Struct({
  server: Schema.String,
  bytes: Schema.Natural,
  /** Medians of all runs, of the whole file. */
  directSeconds: Schema.Finite,
  cachedSeconds: Schema.Finite,
  /** Rate by the cache ÷ rate without. */
  ratio: Schema.Finite,
  /** Of the large file, of small ones, and of small parts of large ones. */
  firstByte: Schema.Struct({ large: FirstByte, small: FirstByte, range: FirstByte }),
  withinTarget: Schema.Boolean
})
export interface SingleResult extends Schema.Schema.Type<typeof SingleResult> {}

export interface Given {
  readonly topology: Topology
  /** Of the large file. */
  readonly bytes: number
  readonly runs: number
  readonly root: string
  readonly keep: boolean
  readonly limitSeconds: number
  readonly note: (text: string) => Effect.Effect<void>
}

/** Requests for first bytes of each kind, way and run; the first of a process, which connects, is among them. */
const requests = 10
const smallBytes = 16_384
/** Of a large file: somewhere in the middle, smaller than anything that is fetched at a time. */
const partBytes = 16_384

export const measure = Effect.fn("Single.measure")(function* (server: Server, given: Given) {
  const { bytes, root, runs, topology } = given
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const meter = yield* Meter
  const [site] = topology.sites
  const [device] = site?.devices ?? []
  if (site === undefined || device === undefined) return yield* Effect.die(new Error("a site with a device"))

  const files = yield* Workshop.room(root, "single")
  yield* TestFile.make(path.join(files, "large"), bytes)
  yield* TestFile.make(path.join(files, "small"), smallBytes)
  const origin = { host: topology.origin.address, port: originPort }
  yield* (yield* meter.start(inside(topology.origin.namespace, Apps.origin(files, origin)))).firstLine
  yield* server.start({
    inside: (invocation) => inside(site.helper.namespace, invocation),
    host: site.helper.address,
    port: ports.cache,
    folder: yield* Folders.make(root, `single-${server.name}`, given.keep),
    origin,
    service: undefined
  })

  const asked = (way: Way, file: string, id: string) =>
    way === "direct"
      ? { url: `http://${origin.host}/${file}?${id}`, headers: [] }
      : ask(server.forms.at(-1) ?? "host", site.helper.address, origin.host, `/${file}?${id}`)
  const fetch = (all: Parameters<typeof Timed.curl>[0], size: number, range?: string) =>
    Timed.run(inside(device.namespace, Timed.curl(all, "/dev/null", range)), size, given.limitSeconds * 1000)

  const whole: Record<Way, Array<Timed.Timed>> = { direct: [], cached: [] }
  const brief: Record<Kind, Record<Way, Array<Timed.Timed>>> = {
    small: { direct: [], cached: [] },
    range: { direct: [], cached: [] }
  }
  const middle = Math.floor(bytes / 2)
  // One of each that is not measured: the first request of a server's life finds code that never ran.
  for (const way of ways) yield* fetch([asked(way, "small", `first-${way}`)], smallBytes)
  // Whole files first: a cache may go on reading ahead behind a part.
  for (let turn = 1; turn <= runs; turn++) {
    for (const way of ways) whole[way].push(...(yield* fetch([asked(way, "large", `whole-${turn}`)], bytes)))
    yield* given.note(
      `single, run ${turn}: ${whole.direct.at(-1)?.total} s directly, ${whole.cached.at(-1)?.total} s by the cache`
    )
  }
  for (let turn = 1; turn <= runs; turn++) {
    for (const way of ways) {
      const ids = (kind: Kind) => Array.from({ length: requests }, (_, i) => `${kind}-${turn}-${i}`)
      const small = ids("small").map((id) => asked(way, "small", id))
      brief.small[way].push(...(yield* fetch(small, smallBytes)))
      // Each on a connection of its own and after a pause, so that what is read ahead for one is less in the way of the next.
      for (const id of ids("range")) {
        const range = `${middle}-${middle + partBytes - 1}`
        brief.range[way].push(...(yield* fetch([asked(way, "large", id)], partBytes, range)))
        yield* Effect.sleep(pause)
      }
    }
  }
  yield* Effect.ignore(fs.remove(files, { recursive: true }))
  const firstByte = { large: later(whole), small: later(brief.small), range: later(brief.range) }
  const [directSeconds, cachedSeconds] = ways.map((way) => median(whole[way].map(({ total }) => total))) as [
    number,
    number
  ]
  const ratio = directSeconds / cachedSeconds
  return {
    server: server.name,
    bytes,
    directSeconds: Statistics.round(directSeconds, 3),
    cachedSeconds: Statistics.round(cachedSeconds, 3),
    ratio: Statistics.round(ratio, 3),
    firstByte,
    withinTarget:
      ratio >= targets.singleRatio &&
      Object.values(firstByte).every(({ laterMillis }) => laterMillis <= targets.firstByteMillis)
  } satisfies SingleResult
}, Effect.scoped)

const pause = "200 millis"

const median = (values: ReadonlyArray<number>): number => Statistics.spread(values)?.median ?? 0

const later = (samples: Readonly<Record<Way, ReadonlyArray<Timed.Timed>>>): typeof FirstByte.Type => {
  const millis = (way: Way) => median(samples[way].map(({ firstByte }) => firstByte * 1000))
  const [direct, cached] = [millis("direct"), millis("cached")]
  return {
    directMillis: Statistics.round(direct, 2),
    cachedMillis: Statistics.round(cached, 2),
    laterMillis: Statistics.round(cached - direct, 2),
    requests: samples.direct.length
  }
}
