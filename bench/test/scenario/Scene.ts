/**
 * A site of network namespaces in which tests say what each device does: the real programs from their sources, each with a
 * policy file, a folder and a network stack of its own, an origin beyond the line, and a service there where it is wanted.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { entryOf } from "@piecework/launch/bundle"
import { fromPeers } from "@piecework/domain/SourceKind"
import { anyDevice } from "@piecework/policy/PolicyFile"
import { Effect, Schema, type Scope } from "effect"
import * as Apps from "../../src/Apps.ts"
import { ClientResult } from "../../src/ClientResult.ts"
import { announcement, type Invocation, Meter, type ProgramError } from "../../src/Meter.ts"
import * as Maker from "../../src/site/Maker.ts"
import * as Namespaces from "../../src/site/Namespaces.ts"
import { inside } from "../../src/site/Contestant.ts"
import * as Topology from "../../src/site/Topology.ts"
import * as TestFile from "../../src/TestFile.ts"
import * as Workshop from "../../src/Workshop.ts"

export interface SceneOptions {
  readonly devices: number
  /** Of the file. */
  readonly bytes: number
  /** Bits a second of the site's line, and of each device's port. */
  readonly wan: number
  readonly lan: number
  /** Whether there is a service, which knows the file; else its hashes lie beside it. */
  readonly hasService: boolean
}

export type Policy = { readonly [setting: string]: unknown }

export interface Fetched {
  readonly bytes: ClientResult["bytes"]
  readonly mode: string
  /** Most peers that were connected at once. */
  readonly peers: number
  /** Of the file's bytes, those that peers gave, in per cent. */
  readonly percent: number
  /** Bytes that came in, those of no use included. */
  readonly cameIn: number
}

/** What `piecework status --json` tells of the file. */
export interface Status {
  readonly Status: string
  readonly PercentPeerCaching: number
  readonly BytesFromPeers: number
  readonly BytesFromLanPeers: number
  readonly BytesFromHttp: number
  readonly BytesWasted: number
  readonly BytesToPeers: number
}

export interface Machine {
  /** Downloads the file and compares it; the process is gone then. */
  readonly get: Effect.Effect<Fetched, unknown, Meter>
  /** Serves what it has until the scope closes. */
  readonly serve: Effect.Effect<void, ProgramError, Meter | Scope.Scope>
  readonly status: Effect.Effect<Status, unknown, Meter>
}

export interface Scene {
  readonly machine: (n: number, policy: Policy) => Machine
  readonly file: TestFile.TestFile
}

const at = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url))
const program =
  (name: string, path: string) =>
  (...args: ReadonlyArray<string>): Invocation => ({
    name,
    command: process.execPath,
    args: [entryOf(at(path)), ...args]
  })
const piecework = program("piecework", "apps/client")
const service = program("piecework-service", "apps/service")

const limitMillis = 100_000
const servicePort = 7670

/** The site stands until the scope closes. Fails with `SiteError` where there is no root, no iproute2 or no namespaces. */
export const make = Effect.fnUntraced(function* (options: SceneOptions) {
  const means = yield* Namespaces.means
  yield* Namespaces.sweep
  Object.assign(process.env, anyDevice)
  const meter = yield* Meter
  const root = yield* Workshop.openFast(options.bytes * (2 * options.devices + 3), yield* Maker.ownPrefix)
  const site = {
    sites: 1,
    rttMillis: 20,
    loss: 0,
    churn: 0,
    staggerMillis: 0,
    service: "up",
    ...options
  } as const
  const topology = yield* Namespaces.build((prefix) => Topology.plan(prefix, site, means))

  const published = join(root, "published")
  mkdirSync(published)
  const file = yield* TestFile.make(join(published, "file"), options.bytes)
  const url = `http://${topology.origin.address}/file`
  const data = join(root, "service")
  const { contentId } = yield* options.hasService
    ? run(service("publish", file.path, "--url", url, "--data", data, "--json"), Named)
    : run(piecework("phf", file.path, "--json"), Named)
  const origin = Apps.origin(published, { host: topology.origin.address, port: 80 })
  yield* Effect.flatMap(meter.start(inside(topology.origin.namespace, origin)), (daemon) => daemon.firstLine)
  const matching = service("--data", data, "--port", String(servicePort), "--json")
  if (options.hasService) {
    yield* Effect.flatMap(meter.start(inside(topology.service.namespace, matching)), (daemon) => daemon.firstLine)
  }
  const known = options.hasService
    ? ["--service", `http://${topology.service.address}:${servicePort}`]
    : ["--content-id", contentId]

  const machine = (n: number, policy: Policy): Machine => {
    const host = topology.sites[0]?.devices[n - 1]
    if (host === undefined) throw new Error(`there is no machine ${n}`)
    const folder = join(root, host.namespace)
    const [state, output, settings] = [join(folder, "state"), join(folder, "file"), join(folder, "policy.json")]
    mkdirSync(folder, { recursive: true })
    writeFileSync(settings, JSON.stringify(policy))
    const own = ["--state", state, "--policy", settings, "--json"]
    const here = (invocation: Invocation) => inside(host.namespace, invocation)
    return {
      get: Effect.gen(function* () {
        const got = yield* run(here(piecework("get", url, "-o", output, ...known, ...own)), Result)
        yield* Workshop.verify("piecework", output, file)
        const { bad, cancelled, duplicate } = got.waste
        const peers = fromPeers(got.bytes)
        return { ...got, percent: (100 * peers) / got.fileBytes, cameIn: peers + bad + cancelled + duplicate }
      }),
      serve: Effect.gen(function* () {
        const to = options.hasService ? known : []
        yield* announcement(yield* meter.start(here(piecework("agent", ...to, ...own))), Listening)
      }),
      status: Effect.flatMap(run(here(piecework("status", "--state", state, "--json")), Statuses), ([one]) =>
        one === undefined ? Effect.die("it has no record of the file") : Effect.succeed(one)
      )
    }
  }
  const scene: Scene = { machine, file }
  return scene
})

const Named = Schema.Struct({ contentId: Schema.String })
const Listening = Schema.Struct({ listening: Schema.String })
const Result = Schema.Struct({ ...ClientResult.fields, peers: Schema.Natural })
const Statuses = Schema.Array(
  Schema.Struct({
    Status: Schema.String,
    PercentPeerCaching: Schema.Finite,
    BytesFromPeers: Schema.Natural,
    BytesFromLanPeers: Schema.Natural,
    BytesFromHttp: Schema.Natural,
    BytesWasted: Schema.Natural,
    BytesToPeers: Schema.Natural
  })
)

/** Runs a program to its end; what it prints is the value. */
const run = <A>(invocation: Invocation, schema: Schema.Decoder<A>) =>
  Effect.flatMap(
    Meter.use((meter) => meter.run(invocation, limitMillis)),
    ({ stdout }) => Schema.decodeUnknownEffect(Schema.fromJsonString(schema))(stdout)
  )
