/** Linux's own sources: /proc, /sys, what DHCP clients leave in /run and /var, and NetworkManager's tool where there is one. */
import { execFile } from "node:child_process"
import { open, readdir, stat, statfs } from "node:fs/promises"
import { networkInterfaces, totalmem } from "node:os"
import { dirname, join, resolve } from "node:path"
import { Effect, Option } from "effect"
import * as Dhcp from "../Dhcp.ts"
import type { DhcpFacts, Sources, Space } from "../Host.ts"
import * as Metered from "../Metered.ts"
import type { NetworkInterface } from "../NetworkInterface.ts"
import * as Power from "../Power.ts"

/** Longest file that is read, in bytes; of longer ones, the end. dhclient appends to its leases for ever. */
const longestFile = 262_144
/** Most entries of a folder that are looked at. */
const mostEntries = 256
/** How long a program of the system may take. */
const patience = "2 seconds"

export const sources = (root: string): Sources => {
  const at = (...path: ReadonlyArray<string>) => join(root, ...path)
  const text = (...path: ReadonlyArray<string>) => readText(at(...path))

  const interfaces = Effect.gen(function* () {
    const found: Array<NetworkInterface> = []
    for (const [name, addresses = []] of Object.entries(networkInterfaces()).slice(0, mostEntries)) {
      const folder = ["sys", "class", "net", name]
      const uevent = yield* text(...folder, "uevent")
      const hardware = Number((yield* text(...folder, "type"))?.trim() ?? Number.NaN)
      found.push({
        name,
        alias: (yield* text(...folder, "ifalias"))?.trim() ?? "",
        isLoopback: addresses.every(({ internal }) => internal),
        addresses: addresses.map(({ address, family, netmask }) => ({ address, family, netmask })),
        hardware: Number.isInteger(hardware) ? hardware : undefined,
        kind: /^DEVTYPE=(.+)$/m.exec(uevent ?? "")?.[1]
      })
    }
    return found
  })

  const power = Effect.gen(function* () {
    const folder = ["sys", "class", "power_supply"]
    const names = yield* entries(at(...folder))
    // No folder: a container, or another system than Linux. What is not known is not mains.
    if (names === undefined) return undefined
    const supplies = yield* Effect.forEach(names, (name) => {
      const file = (field: string) => Effect.map(text(...folder, name, field), (value) => value?.trim())
      return Effect.all({
        type: file("type"),
        scope: file("scope"),
        online: file("online"),
        status: file("status"),
        capacity: file("capacity"),
        present: file("present")
      })
    })
    return Power.of(supplies)
  })

  /** NetworkManager, where it runs: starting a program costs more than all other looks together. */
  const asked = (args: ReadonlyArray<string>) =>
    Effect.flatMap(entries(at("run", "NetworkManager")), (found) =>
      found === undefined ? Effect.succeed(undefined) : nmcli(args)
    )

  const leases = Effect.gen(function* () {
    const networkd = yield* filesIn(at("run", "systemd", "netif", "leases"), () => true)
    const dhclient = [
      ...(yield* filesIn(at("var", "lib", "dhcp"), (name) => /^dhclient.*\.leases?$/.test(name))),
      ...(yield* filesIn(at("var", "lib", "NetworkManager"), (name) => /^dhclient-.*\.lease$/.test(name)))
    ]
    return [
      ...networkd.map((lease) => ({ lease, options: Dhcp.fromNetworkd(lease) })),
      ...dhclient.map((lease) => ({ lease, options: Dhcp.fromDhclient(lease) }))
    ]
  })

  const dhcp = Effect.gen(function* () {
    const known = [...(yield* leases)]
    // A program takes longer than a file, so it is asked only for what no file says.
    if (known.length === 0) {
      const lease = yield* asked(["-t", "-f", "DHCP4", "device", "show"])
      if (lease !== undefined) known.push({ lease, options: Dhcp.fromNetworkManager(lease) })
    }
    const first = <A>(read: (one: (typeof known)[number]) => A | undefined): A | undefined =>
      known.map(read).find((value) => value !== undefined)
    const facts: DhcpFacts = {
      group: first(({ options }) => options.get(234)),
      cacheHosts: first(({ options }) => options.get(235)),
      domain: first(({ lease }) => Dhcp.domain(lease))
    }
    return facts
  })

  return {
    memory: Effect.sync(() => totalmem()),
    space: spaceOf,
    interfaces,
    power,
    isMetered: Effect.map(asked(["-t", "-f", "GENERAL.METERED,IP4.GATEWAY", "device", "show"]), (said) =>
      said === undefined ? undefined : Metered.fromNetworkManager(said)
    ),
    dhcp
  }
}

/** The disk that the folder is on, or would be. */
const spaceOf = (folder: string): Effect.Effect<Space | undefined> =>
  Effect.tryPromise(async () => {
    const [{ bavail, blocks, bsize }, { dev }] = await Promise.all([statfs(folder), stat(folder)])
    // File systems without a disk, like /proc, and some over networks have no numbers.
    return blocks === 0 ? undefined : { total: blocks * bsize, free: bavail * bsize, device: dev }
  }).pipe(
    Effect.catch(() => {
      const above = dirname(resolve(folder))
      return above === resolve(folder) ? Effect.succeed(undefined) : spaceOf(above)
    })
  )

/** The end of the file, at most; `undefined` when it cannot be read. */
const readText = (path: string): Effect.Effect<string | undefined> =>
  Effect.tryPromise(async () => {
    const file = await open(path, "r")
    try {
      const { size } = await file.stat()
      const buffer = Buffer.alloc(longestFile)
      const { bytesRead } = await file.read(buffer, 0, longestFile, size > longestFile ? size - longestFile : null)
      return buffer.toString("utf8", 0, bytesRead)
    } finally {
      await file.close()
    }
  }).pipe(Effect.orElseSucceed(() => undefined))

const entries = (folder: string): Effect.Effect<ReadonlyArray<string> | undefined> =>
  Effect.tryPromise(() => readdir(folder)).pipe(
    Effect.map((names) => names.toSorted().slice(0, mostEntries)),
    Effect.orElseSucceed(() => undefined)
  )

const filesIn = (folder: string, isOne: (name: string) => boolean): Effect.Effect<ReadonlyArray<string>> =>
  Effect.gen(function* () {
    const names = (yield* entries(folder)) ?? []
    const texts = yield* Effect.forEach(names.filter(isOne), (name) => readText(join(folder, name)))
    return texts.filter((one) => one !== undefined)
  })

/** What NetworkManager's tool says; `undefined` when there is none, it fails, or it takes too long. */
const nmcli = (args: ReadonlyArray<string>): Effect.Effect<string | undefined> =>
  Effect.callback<string | undefined>((resume) => {
    const child = execFile(
      "nmcli",
      args,
      { encoding: "utf8", env: { ...process.env, LC_ALL: "C" }, maxBuffer: longestFile },
      (error, stdout) => resume(Effect.succeed(error === null ? stdout : undefined))
    )
    return Effect.sync(() => child.kill())
  }).pipe(Effect.timeoutOption(patience), Effect.map(Option.getOrUndefined))
