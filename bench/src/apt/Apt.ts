/**
 * Two machines of a site install one package with apt-get, each through the proxy of its own agent: what the second gets should come from
 * the first, and the site's line and the origin should see the package once. Real programs in network namespaces, a repository of our
 * own, no other network.
 */
import { Clock, Effect, Path, Schema } from "effect"
import * as Apps from "../Apps.ts"
import { announcement, Meter, ProgramError } from "../Meter.ts"
import { inside } from "../site/Contestant.ts"
import * as Maker from "../site/Maker.ts"
import * as Namespaces from "../site/Namespaces.ts"
import { servicePort } from "../site/PieceworkDevices.ts"
import * as Topology from "../site/Topology.ts"
import * as Statistics from "../Statistics.ts"
import * as TestFile from "../TestFile.ts"
import * as Tools from "../Tools.ts"
import * as Workshop from "../Workshop.ts"
import * as AptMachine from "./AptMachine.ts"
import * as Repository from "./Repository.ts"

export interface Options {
  /** Of the file in the package; peers are asked for 10 MB and more. */
  readonly bytes: number
  /** Hears of what goes on. */
  readonly note: (text: string) => Effect.Effect<void>
}

/** Above the 10 MB from which peers are asked. */
export const usualBytes = 12 * 1_048_576

const Installed = Schema.Struct({
  /** Of apt-get update, of its download of the package, and of the installation. */
  updateSeconds: Schema.Finite,
  downloadSeconds: Schema.Finite,
  installSeconds: Schema.Finite,
  /** Whether the package that apt keeps, and the file that it unpacked, are those of the repository. */
  isRight: Schema.Boolean,
  /** Bytes of the package by where they came from, as its agent's status tells. */
  fromPeers: Schema.Natural,
  fromHttp: Schema.Natural,
  /** Those of them that are not of the package: what was looked at first, or came twice. */
  wasted: Schema.Natural,
  /** Bytes that crossed the site's line towards it meanwhile, headers and all. */
  overTheLine: Schema.Natural
})

export const Report = Schema.Struct({
  scenario: Schema.Literal("apt"),
  packageBytes: Schema.Natural,
  /** Bytes of bodies that the repository sent: the package and the lists. */
  originBytes: Schema.Natural,
  /** Those over the package's. */
  originCopies: Schema.Finite,
  first: Installed,
  second: Installed
})
export interface Report extends Schema.Schema.Type<typeof Report> {}

/** What the site pays for the package at most: it once, the lists twice, a look of a byte or a kilobyte for each machine. */
export const targets = { originCopies: 1.02 } as const

export const failures = ({ first, originCopies, packageBytes, second }: Report): ReadonlyArray<string> => [
  ...(first.isRight && second.isRight ? [] : ["A machine has something else than the repository's package."]),
  ...(second.fromPeers >= packageBytes ? [] : ["The second machine did not get all of the package from the first."]),
  ...(originCopies <= targets.originCopies ? [] : [`The origin sent the package ${originCopies} times.`])
]

const BodyBytes = Schema.fromJsonString(Schema.Struct({ bodyBytes: Schema.Natural }))
const Listening = Schema.Struct({ proxy: Schema.String })
const Statuses = Schema.fromJsonString(
  Schema.Array(
    Schema.Struct({ BytesFromPeers: Schema.Natural, BytesFromHttp: Schema.Natural, BytesWasted: Schema.Natural })
  )
)

const proxyAt = "127.0.0.1:7681"
const limitMillis = 150_000

const isSame = (file: string, sha256: string) =>
  Effect.match(TestFile.hash(file), { onFailure: () => false, onSuccess: (hash) => hash === sha256 })

/** What an agent with this folder has fetched. */
const statusOf = Effect.fnUntraced(function* (state: string) {
  const meter = yield* Meter
  const { stdout } = yield* meter.run(Apps.status(state), limitMillis)
  const statuses = yield* Effect.mapError(
    Schema.decodeUnknownEffect(Statuses)(stdout),
    (cause) => new ProgramError({ name: "piecework status", reason: "Unintelligible", detail: stdout, cause })
  )
  const sum = (of: (status: (typeof statuses)[number]) => number) => statuses.reduce((all, one) => all + of(one), 0)
  return {
    fromPeers: sum(({ BytesFromPeers }) => BytesFromPeers),
    fromHttp: sum(({ BytesFromHttp }) => BytesFromHttp),
    wasted: sum(({ BytesWasted }) => BytesWasted)
  }
})

/** Whether this machine has what it takes beside namespaces. */
export const hasTools = Effect.map(Effect.all([Tools.version("apt-get"), Tools.version("dpkg-deb")]), (versions) =>
  versions.every(({ _tag }) => _tag === "Some")
)

export const run = Effect.fn("Apt.run")(function* ({ bytes, note }: Options) {
  const means = yield* Namespaces.means
  yield* Namespaces.sweep
  yield* Apps.prepare
  const path = yield* Path.Path
  const meter = yield* Meter
  const root = yield* Workshop.openFast(bytes * 10, yield* Maker.ownPrefix)
  const site = { devices: 2, sites: 1, bytes, wan: 100e6, lan: 1e9, rttMillis: 10, loss: 0, churn: 0 }
  const topology = yield* Namespaces.build((prefix) =>
    Topology.plan(prefix, { ...site, staggerMillis: 0, service: "up" }, means)
  )

  const repository = yield* Repository.make(root, bytes)
  const url = `http://${topology.origin.address}/`
  const data = path.join(root, "service")
  yield* meter.run(Apps.publish(repository.deb.path, url + repository.deb.name, data), limitMillis)
  const origin = yield* meter.start(
    inside(topology.origin.namespace, Apps.origin(repository.folder, { host: topology.origin.address, port: 80 }))
  )
  yield* origin.firstLine
  const service = yield* meter.start(inside(topology.service.namespace, Apps.service(data, servicePort)))
  yield* service.firstLine

  const crossed = Effect.map(Namespaces.crossed(topology), ([line]) => line?.down ?? 0)

  /** Its agent goes on until the scope closes. */
  const machine = Effect.fnUntraced(function* (n: number) {
    const host = topology.sites[0]?.devices[n]
    if (host === undefined) return yield* Effect.die(new Error(`there is no machine ${n}`))
    const folder = path.join(root, host.namespace)
    const state = path.join(folder, "state")
    const agent = Apps.proxyAgent({
      service: `http://${topology.service.address}:${servicePort}`,
      state,
      proxy: proxyAt
    })
    yield* announcement(yield* meter.start(inside(host.namespace, agent)), Listening)
    const apt = yield* AptMachine.make({ folder: path.join(folder, "apt"), url, proxy: `http://${proxyAt}` })
    const timed = Effect.fnUntraced(function* (...args: ReadonlyArray<string>) {
      const before = yield* Clock.currentTimeMillis
      yield* meter.run(inside(host.namespace, apt.run(args)), limitMillis)
      return Statistics.round(((yield* Clock.currentTimeMillis) - before) / 1000, 3)
    })
    const before = yield* crossed
    const updateSeconds = yield* timed("update")
    const downloadSeconds = yield* timed("install", "--download-only", Repository.packageName)
    const kept = yield* isSame(path.join(apt.archives, repository.deb.name), repository.deb.sha256)
    const installSeconds = yield* timed("install", Repository.packageName)
    const unpacked = yield* isSame(path.join(apt.root, Repository.payloadPath), repository.payload.sha256)
    const overTheLine = (yield* crossed) - before
    // It is noted down just after its last byte was sent.
    const counted = yield* Effect.repeat(statusOf(state), {
      until: ({ fromHttp, fromPeers }) => fromHttp + fromPeers > 0,
      times: 60
    })
    yield* note(`machine ${n + 1}: has the lists after ${updateSeconds} s, the package after ${downloadSeconds} s more`)
    return {
      updateSeconds,
      downloadSeconds,
      installSeconds,
      isRight: kept && unpacked,
      ...counted,
      overTheLine
    } satisfies typeof Installed.Type
  })

  const first = yield* machine(0)
  const second = yield* machine(1)
  const { bodyBytes: originBytes } = yield* Effect.flatMap(origin.lastLine, (line) =>
    Effect.mapError(
      Schema.decodeUnknownEffect(BodyBytes)(line),
      (cause) => new ProgramError({ name: origin.name, reason: "Unintelligible", detail: line, cause })
    )
  )
  const { size } = repository.deb
  const report: Report = {
    scenario: "apt",
    packageBytes: size,
    originBytes,
    originCopies: Statistics.round(originBytes / size, 4),
    first,
    second
  }
  return report
}, Effect.scoped)
