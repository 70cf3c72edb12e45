/** The programs of this repository and the tools beside them, and how the bench calls each. */
import { basename, dirname } from "node:path"
import { fileURLToPath } from "node:url"
import { bundle, entryOf } from "@piecework/launch/bundle"
import { anyDevice } from "@piecework/policy/PolicyFile"
import { Effect } from "effect"
import type { Invocation } from "./Meter.ts"

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** Run by the Node that runs the bench. */
const program =
  (name: string, path: string, flags: ReadonlyArray<string> = []) =>
  (args: ReadonlyArray<string>): Invocation => ({ name, command: process.execPath, args: [...flags, path, ...args] })

const apps = [at("apps/service"), at("apps/client")] as const
const cacheServerApp = at("apps/cache-server")

/**
 * Makes the bundles that `service`, `publish` and the clients run from: what ships, and not the sources. They start as
 * `@piecework/launch` starts them, with a folder in which what was compiled is kept; this machine plays many, whatever it is.
 */
export const prepare: Effect.Effect<void> = Effect.promise(async () => {
  process.env["NODE_COMPILE_CACHE"] ??= at("bench/dist/compiled")
  Object.assign(process.env, anyDevice)
  await Promise.all(apps.map(bundle))
})

/** The same for the cache server, which few scenarios need. */
export const prepareCacheServer: Effect.Effect<void> = Effect.promise(() => bundle(cacheServerApp))

const originProgram = program("the bench's HTTP server", at("bench/src/fast-origin.ts"))
const agentProgram = program("the bench's agent", at("bench/src/jobs/agent.ts"), ["--conditions=source"])
const fetchProgram = program("fetch", at("bench/src/fetch-to-file.ts"))
const trackerProgram = program("the bench's BitTorrent tracker", at("bench/src/site/tracker-of-lan.ts"))
const flowProgram = program("the bench's foreground flow", at("bench/src/yield/flow.ts"))
const slowProgram = program("the bench's slow readers", at("bench/src/cache/slow-readers.ts"))
const serviceProgram = program("piecework-service", entryOf(apps[0]))
const cacheServerProgram = program("piecework-cache", entryOf(cacheServerApp))
const clientProgram = program("piecework", entryOf(apps[1]))

/** Keeps all that it needs in the folder, and asks one origin. */
export const cacheServer = (options: {
  readonly host: string
  readonly port: number
  readonly folder: string
  readonly origin: string
  readonly service: string | undefined
}): Invocation =>
  cacheServerProgram([
    "serve",
    "--listen",
    `${options.host}:${options.port}`,
    "--drive",
    `${options.folder}/drive`,
    "--state",
    `${options.folder}/state`,
    "--origin",
    options.origin,
    // By itself it is no member of swarms, and its neighbours on this machine are not to hear of it.
    ...(options.service === undefined ? ["--no-peers", "--no-announce"] : ["--service", options.service]),
    "--json"
  ])

/** Of a file or of the files in a folder; on any port of loopback, unless told where. */
export const origin = (file: string, place?: Listening): Invocation =>
  originProgram(place === undefined ? [file] : [file, place.host, String(place.port)])

export interface Listening {
  readonly host: string
  readonly port: number
}

/** A flow that somebody waits for, and the other end of it. */
export const flow = (args: ReadonlyArray<string>): Invocation => flowProgram(args)

/** Many clients that read slowly, as the program says. */
export const slowReaders = (args: ReadonlyArray<string>): Invocation => slowProgram(args)

/** The agent of a device that has no service, for programs of the device. */
export const runningAgent = (state: string): Invocation =>
  clientProgram(["agent", "--state", state, "--host", "127.0.0.1", "--port", "0", "--json"])

/** Many downloads in one process, as a plan says. */
export const agent = (plan: string): Invocation => agentProgram([plan])

/** Serves what it has, at the usual port unless told which, and is an HTTP proxy there; takes no jobs. */
export const proxyAgent = (options: {
  readonly service: string
  readonly state: string
  readonly proxy: string
  readonly port?: number
}): Invocation =>
  clientProgram([
    "agent",
    "--no-rest",
    "--no-api",
    "--json",
    "--service",
    options.service,
    "--state",
    options.state,
    "--proxy",
    options.proxy,
    ...(options.port === undefined ? [] : ["--port", String(options.port)])
  ])

export const status = (state: string): Invocation => clientProgram(["status", "--state", state, "--json"])

/** On any port, unless told which; `more` are further flags. */
export const service = (data: string, port = 0, more: ReadonlyArray<string> = []): Invocation =>
  serviceProgram(["--data", data, "--port", String(port), "--json", ...more])

export const tracker = ({ host, port }: Listening): Invocation => trackerProgram([host, String(port)])

export const publish = (file: string, url: string, data: string): Invocation =>
  serviceProgram(["publish", file, "--url", url, "--data", data, "--json"])

export const openssl = (file: string): Invocation => ({
  name: "openssl",
  command: "openssl",
  args: ["dgst", "-sha256", file]
})

/** Over HTTP alone, known to nobody. */
export const getSimple = (url: string, output: string, state: string): Invocation =>
  clientProgram(["get", url, "-o", output, "--mode", "simple", "--state", state, "--json"])

/** What a device fetches: where from, where to, and where its state is. */
interface Fetched {
  readonly url: string
  readonly output: string
  readonly state: string
}

const get = ({ output, state, url }: Fetched, more: ReadonlyArray<string>): Invocation =>
  clientProgram(["get", url, "-o", output, "--state", state, ...more])

/** Goes on serving peers for longer than any run takes. */
const seeding = ["--seed", "3 hours"]

/**
 * With peers; `seed` goes on serving them. `--link`, so that there is one file on the disk as with aria2c, which seeds from
 * its destination: without it the cache keeps a copy of its own.
 */
export const getWithPeers = (options: Fetched & { readonly service: string; readonly seed: boolean }): Invocation =>
  get(options, ["--service", options.service, "--link", "--port", "0", "--json", ...(options.seed ? seeding : [])])

/** By the settings in a file, and whatever flags. */
export const getUnder = (
  options: Fetched & { readonly policy: string; readonly more: ReadonlyArray<string> }
): Invocation => get(options, ["--policy", options.policy, ...options.more])

/**
 * With peers, saying how far it is, and serving the file as long as it is let. Each device has a place of its own, so the
 * ports are the usual ones.
 */
export const getAtSite = (options: Fetched & { readonly service: string }): Invocation =>
  get(options, ["--service", options.service, "--link", "--events", ...seeding])

/** With peers anywhere, at the usual port; `seed` goes on serving them. */
export const getAcross = (options: Fetched & { readonly service: string; readonly seed: boolean }): Invocation =>
  get(options, [
    "--service",
    options.service,
    "--mode",
    "internet",
    "--link",
    "--json",
    ...(options.seed ? seeding : [])
  ])

export const curl = (url: string, output: string): Invocation => ({
  name: "curl",
  command: "curl",
  args: ["--silent", "--show-error", "--fail", "--noproxy", "*", "--output", output, url]
})

/** With headers of the caller's. */
export const curlAsking = (
  asked: { readonly url: string; readonly headers: ReadonlyArray<string> },
  output: string
): Invocation => {
  const { args, ...rest } = curl(asked.url, output)
  return { ...rest, args: [...asked.headers.flatMap((header) => ["--header", header]), ...args] }
}

/** Says on standard output how many seconds the transfer took, without the start of the process. */
export const curlTimed = (url: string, output: string): Invocation => {
  const { args, ...rest } = curl(url, output)
  return { ...rest, args: ["--write-out", "%{time_total}", ...args] }
}

export const wget = (url: string, output: string): Invocation => ({
  name: "wget",
  command: "wget",
  args: ["--no-config", "--quiet", "--no-proxy", `--output-document=${output}`, url]
})

/** One connection. */
export const aria2Http = (url: string, output: string): Invocation => ({
  name: "aria2c",
  command: "aria2c",
  args: [
    "--no-conf=true",
    "--quiet=true",
    "--all-proxy=",
    "--file-allocation=none",
    "--max-connection-per-server=1",
    "--split=1",
    `--dir=${dirname(output)}`,
    `--out=${basename(output)}`,
    url
  ]
})

/** Node's own way. */
export const fetch = (url: string, output: string): Invocation => fetchProgram([url, output])

/** Goes on behind what is there. */
export const curlOn = (url: string, output: string): Invocation => {
  const { args, ...rest } = curl(url, output)
  return { ...rest, args: ["--continue-at", "-", ...args] }
}

/** Nothing but the peers that the tracker names, nothing written ahead, nothing on the screen. */
const aria2Common = [
  "--no-conf=true",
  "--quiet=true",
  "--enable-dht=false",
  "--enable-dht6=false",
  "--enable-peer-exchange=false",
  "--bt-enable-lpd=false",
  "--disable-ipv6=true",
  "--file-allocation=none",
  "--follow-torrent=false",
  "--all-proxy=",
  "--no-proxy=127.0.0.1"
]

/** Serves a file that it has, without hashing it first, until it is ended. */
export const aria2Seeder = (torrent: string, folder: string, port: number): Invocation => ({
  name: "aria2c (seeder)",
  command: "aria2c",
  args: [
    ...aria2Common,
    "--bt-seed-unverified=true",
    "--seed-ratio=0.0",
    `--listen-port=${port}`,
    "--dir",
    folder,
    torrent
  ]
})

/** Fetches a file, SHA-1 of every piece checked, and exits. */
export const aria2Leecher = (torrent: string, folder: string, port: number): Invocation => ({
  name: "aria2c",
  command: "aria2c",
  args: [...aria2Common, "--seed-time=0", `--listen-port=${port}`, "--dir", folder, torrent]
})

/** Fetches a file, runs the hook when it has it, and serves it until it is ended. Checks what an earlier run left. */
export const aria2AtSite = (torrent: string, folder: string, hook: string): Invocation => ({
  name: "aria2c",
  command: "aria2c",
  args: [
    ...aria2Common,
    "--seed-ratio=0.0",
    "--check-integrity=true",
    "--listen-port=6881",
    `--on-bt-download-complete=${hook}`,
    "--dir",
    folder,
    torrent
  ]
})

/** The same with Transmission, which asks no router for a port and keeps its settings in the folder too. */
export const transmissionAtSite = (torrent: string, folder: string, hook: string): Invocation => ({
  name: "transmission-cli",
  command: "transmission-cli",
  args: ["-M", "-et", "-p", "51413", "-w", folder, "-g", `${folder}/.transmission`, "-f", hook, torrent]
})

/** A caching proxy as a process in the foreground. */
export const nginx = (configuration: string, folder: string): Invocation => ({
  name: "nginx",
  command: "nginx",
  args: ["-c", configuration, "-p", folder, "-e", "stderr", "-g", "daemon off;"]
})

/** In the foreground; what it keeps lies in a file of the folder, as large as it gets. */
export const varnish = (configuration: string, folder: string, listen: string): Invocation => ({
  name: "varnishd",
  command: "varnishd",
  args: [
    "-F",
    "-n",
    `${folder}/varnish`,
    "-a",
    listen,
    "-f",
    configuration,
    "-s",
    `file,${folder}/storage,4G`,
    "-j",
    "none"
  ]
})
