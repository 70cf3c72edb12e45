/**
 * One switch, a service, and devices that each have a network namespace, a policy file and a folder of their own, with one thing broken
 * in each: the real programs, and `piecework doctor` in each device.
 */
import { execFile } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Check } from "@piecework/doctor"
import { entryOf } from "@piecework/launch/bundle"
import * as Certificate from "@piecework/trust/Certificate"
import { Effect, Schema } from "effect"
import * as Apps from "../../src/Apps.ts"
import { type Invocation, Meter, ProgramError } from "../../src/Meter.ts"
import { inside } from "../../src/site/Contestant.ts"
import * as Maker from "../../src/site/Maker.ts"
import * as Namespaces from "../../src/site/Namespaces.ts"
import { type Command, quote, typed } from "../../src/site/Shell.ts"
import * as Topology from "../../src/site/Topology.ts"
import * as Workshop from "../../src/Workshop.ts"
import type { Stranger } from "./strangers.ts"

/** Where things are on the switch's network. */
export const addresses = { service: "10.77.0.2", strangers: "10.77.0.3" } as const
/** Who listens on which port of the strangers' machine. */
export const ports = {
  origin: 80,
  whole: 8001,
  late: 8002,
  portal: 8003,
  leading: 8004,
  proxy: 8005,
  stripping: 8006,
  cache: 8007,
  stranger: 8443,
  expired: 8444,
  otherName: 8445,
  early: 8446,
  nobody: 9
} as const
/** … and of the service's. */
export const services = { whole: 7670, partly: 7671, enrolling: 7672 } as const

/** One thing that is broken in one device. */
export interface Fault {
  readonly name: string
  /** What must come out beside that no agent runs; everything else passes, or does not apply. */
  readonly expected: Readonly<Record<string, Check.Outcome>>
  readonly policy?: Readonly<Record<string, unknown>>
  /** In place of the policy file's JSON. */
  readonly policyText?: string
  /** Port of the service that it is told of, or a whole URL; nothing for none. Default the sound one. */
  readonly service?: number | string | "None"
  readonly more?: ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string>>
  /** Files of its state folder. */
  readonly state?: Readonly<Record<string, string>>
  /** Commands in its namespace beforehand; "{folder}" is its folder. */
  readonly network?: ReadonlyArray<string>
  /** Shell commands before the doctor, with its mounts and limits: "$STATE" is its state folder. */
  readonly before?: string
  /** A program that runs beside. */
  readonly beside?: "Agent" | "Squatter"
}

const Answer = Schema.fromJsonString(
  Schema.Struct({ verdict: Schema.String, failed: Schema.Natural, checks: Schema.Array(Check.Check) })
)

export interface Visit {
  readonly exitCode: number
  readonly verdict: string
  readonly checks: ReadonlyArray<Check.Check>
  readonly millis: number
}

const client = fileURLToPath(new URL("../../../apps/client", import.meta.url))
const cacheServer = entryOf(fileURLToPath(new URL("../../../apps/cache-server", import.meta.url)))
const strangers = fileURLToPath(new URL("./strangers.ts", import.meta.url))
const day = 86_400_000

const source = (name: string, path: string, args: ReadonlyArray<string>): Invocation => ({
  name,
  command: process.execPath,
  args: ["--conditions=source", "--disable-warning=ExperimentalWarning", path, ...args]
})

const plan = (prefix: string, devices: number) => {
  const name = (part: string) => `${prefix}${part}`
  const hosts = [
    { namespace: name("service"), address: addresses.service },
    { namespace: name("strangers"), address: addresses.strangers },
    ...Array.from({ length: devices }, (_, i) => ({ namespace: name(`d${i}`), address: `10.77.0.${i + 11}` }))
  ]
  const hub = name("switch")
  return {
    hosts,
    devices: hosts.slice(2),
    namespaces: [hub, ...hosts.map(({ namespace }) => namespace)],
    build: [
      ...Topology.bare(hub),
      typed(`ip -n ${hub} link add br0 type bridge mcast_snooping 0`),
      typed(`ip -n ${hub} link set br0 up`),
      ...hosts.flatMap(({ address, namespace }, i): ReadonlyArray<Command> => [
        ...Topology.bare(namespace),
        ...Topology.cable({ namespace, dev: "eth0", address: `${address}/24` }, { namespace: hub, dev: `port${i}` }),
        typed(`ip -n ${hub} link set port${i} master br0`)
      ])
    ]
  }
}

/** The ward stands until the scope closes. */
export const open = Effect.fnUntraced(function* (devices: number) {
  yield* Namespaces.means
  yield* Namespaces.sweep
  const root = yield* Workshop.open(64_000_000, { prefix: yield* Maker.ownPrefix })
  const topology = yield* Namespaces.build((prefix) => plan(prefix, devices))
  const meter = yield* Meter
  const [serviceHost, strangersHost] = topology.hosts
  if (serviceHost === undefined || strangersHost === undefined) throw new Error("a ward without its hosts")

  const run = (namespace: string, invocation: Invocation) =>
    Effect.flatMap(meter.start(inside(namespace, invocation)), (daemon) => Effect.as(daemon.firstLine, daemon))
  const service = (port: number, more: ReadonlyArray<string>) =>
    run(serviceHost.namespace, Apps.service(join(root, `service-${port}`), port, more))

  const authority = Certificate.makeAuthority(Date.now() - 200 * day)
  writeFileSync(join(root, "ca.pem"), authority.certificate)
  const paired = (name: string, { certificate, key }: Certificate.Pair) => {
    const files = { certificate: join(root, `${name}.crt`), key: join(root, `${name}.key`) }
    writeFileSync(files.certificate, certificate)
    writeFileSync(files.key, key)
    return files
  }
  const here = addresses.strangers
  const to = { host: addresses.service, port: services.whole }
  const passing = (port: number, name: string, pair: Certificate.Pair, away = 0): Stranger => ({
    is: "Passing",
    port,
    host: here,
    to,
    away,
    tls: paired(name, pair)
  })
  const now = Date.now()
  const all: ReadonlyArray<Stranger> = [
    { is: "Origin", port: ports.origin, host: here, hasRanges: true },
    { is: "Origin", port: ports.whole, host: here, hasRanges: false },
    { is: "Passing", port: ports.late, host: here, to, away: 7_200_000 },
    { is: "Portal", port: ports.portal, host: here, leads: false },
    { is: "Portal", port: ports.leading, host: here, leads: true },
    { is: "Proxy", port: ports.proxy, host: here, strips: false },
    { is: "Proxy", port: ports.stripping, host: here, strips: true },
    passing(ports.stranger, "stranger", Certificate.makeServer(Certificate.makeAuthority(now), [here], now)),
    passing(ports.expired, "expired", Certificate.makeServer(authority, [here], now - 150 * day)),
    passing(ports.otherName, "other", Certificate.makeServer(authority, ["elsewhere.example"], now)),
    // Of a service whose time is long ago, where the certificate was good.
    passing(ports.early, "early", Certificate.makeServer(authority, [here], now - 150 * day), -140 * day)
  ]
  const cacheArgs = [
    "serve",
    "--listen",
    `${here}:${ports.cache}`,
    "--drive",
    join(root, "drive"),
    "--state",
    join(root, "cache-state")
  ]
  yield* Effect.all(
    [
      service(services.whole, []),
      service(services.partly, [
        "--roles",
        "geo,kv,content-policy,metadata,discovery,reports",
        "--role-url",
        `array=http://${addresses.service}:${ports.nobody}`
      ]),
      service(services.enrolling, ["--require-enrolment"]),
      run(strangersHost.namespace, source("strangers", strangers, [JSON.stringify(all)])),
      run(
        strangersHost.namespace,
        source("piecework-cache", cacheServer, [
          ...cacheArgs,
          "--origin",
          "elsewhere.example",
          "--no-peers",
          "--no-announce",
          "--json"
        ])
      )
    ],
    { concurrency: "unbounded" }
  )

  const hostRoot = join(root, "host")
  mkdirSync(join(hostRoot, "sys/class/power_supply"), { recursive: true })
  const charged = join(root, "host-on-battery")
  const battery = join(charged, "sys/class/power_supply/BAT0")
  mkdirSync(battery, { recursive: true })
  for (const [file, text] of Object.entries({ type: "Battery", status: "Discharging", capacity: "17", present: "1" })) {
    writeFileSync(join(battery, file), `${text}\n`)
  }

  const visit = Effect.fnUntraced(function* (fault: Fault, n: number) {
    const host = topology.devices[n]
    if (host === undefined) return yield* Effect.die(`there is no device ${n}`)
    const folder = join(root, `device-${n}`)
    const state = join(folder, "state")
    mkdirSync(join(state, "cache"), { recursive: true })
    const policy = { DOMinRAMAllowedToPeer: 1, DOMinDiskSizeAllowedToPeer: 1, ...fault.policy }
    writeFileSync(join(folder, "policy.json"), fault.policyText ?? JSON.stringify(policy))
    for (const [name, text] of Object.entries(fault.state ?? {})) {
      const file = join(state, name)
      mkdirSync(join(file, ".."), { recursive: true })
      writeFileSync(file, text)
    }
    for (const line of fault.network ?? []) {
      const { code, stderr } = yield* execute("ip", ["netns", "exec", host.namespace, "sh", "-c", line], {})
      if (code !== 0) return yield* new ProgramError({ name: line, reason: "Failed", exitCode: code, detail: stderr })
    }
    const own = ["--state", state, "--policy", join(folder, "policy.json")]
    const told = fault.service ?? services.whole
    const known =
      told === "None" ? [] : ["--service", typeof told === "number" ? `http://${addresses.service}:${told}` : told]
    const env = {
      PATH: process.env["PATH"] ?? "",
      HOME: folder,
      NODE_COMPILE_CACHE: join(root, "compiled"),
      PIECEWORK_HOST_ROOT: hostRoot,
      STATE: state,
      FOLDER: folder,
      ...fault.env,
      ...(fault.env?.["PIECEWORK_HOST_ROOT"] === "battery" ? { PIECEWORK_HOST_ROOT: charged } : {})
    }
    const program = [process.execPath, entryOf(client)]
    const daemon =
      fault.beside === "Agent"
        ? yield* run(host.namespace, {
            name: "piecework agent",
            command: "env",
            args: ["-i", ...pairs(env), ...program, "agent", ...known, ...own, "--json"]
          })
        : fault.beside === "Squatter"
          ? yield* run(
              host.namespace,
              source("squatter", strangers, [JSON.stringify([{ is: "Squatter", port: 7680, host: "0.0.0.0" }])])
            )
          : undefined
    const args = [...program, "doctor", ...known, ...own, "--json", ...(fault.more ?? url(ports.origin))]
    const script = `${fault.before ?? ":"} && exec ${args.map(quote).join(" ")}`
    const again = Effect.gen(function* () {
      const began = performance.now()
      const { code, stderr, stdout } = yield* execute("ip", ["netns", "exec", host.namespace, "sh", "-c", script], env)
      const answer = yield* Schema.decodeUnknownEffect(Answer)(stdout).pipe(
        Effect.mapError(
          () =>
            new ProgramError({
              name: `piecework doctor (${fault.name})`,
              reason: "Unintelligible",
              exitCode: code,
              detail: `${stdout.slice(0, 300)} ${stderr.slice(0, 600)}`
            })
        )
      )
      const seen: Visit = { ...answer, exitCode: code, millis: performance.now() - began }
      return seen
    })
    return { first: yield* again, again, pid: daemon?.pid }
  })
  return { visit, ca: join(root, "ca.pem") }
})

/** The file that ranges are tried with. */
export const url = (port: number): ReadonlyArray<string> => ["--url", `http://${addresses.strangers}:${port}/file`]

const pairs = (env: Readonly<Record<string, string>>): ReadonlyArray<string> =>
  Object.entries(env).map(([name, value]) => `${name}=${value}`)

/** Far more than a doctor may take. */
const limitMillis = 60_000

const execute = (command: string, args: ReadonlyArray<string>, env: Readonly<Record<string, string>>) =>
  Effect.callback<{ readonly code: number; readonly stdout: string; readonly stderr: string }>((resume) => {
    const options = { env: { PATH: process.env["PATH"] ?? "", ...env }, timeout: limitMillis, maxBuffer: 4_194_304 }
    const child = execFile(command, [...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1
      resume(Effect.succeed({ code, stdout, stderr }))
    })
    return Effect.sync(() => child.kill("SIGKILL"))
  })
