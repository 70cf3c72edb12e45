/**
 * What this device tells of itself. Everything is looked up when it is asked for, since laptops move; whatever cannot be found out
 * is `undefined`, and no look-up fails. On Linux from its own sources; elsewhere what Node knows, and the rest is unknown.
 */
import type { Facts } from "@piecework/policy/Facts"
import { Context, Effect, Layer } from "effect"
import * as Linux from "./internal/Linux.ts"
import { type NetworkInterface, vpn } from "./NetworkInterface.ts"

/** What DHCP said that concerns us. */
export interface DhcpFacts {
  /** Option 234: the group, as text. */
  readonly group: string | undefined
  /** Option 235: cache servers, as text. */
  readonly cacheHosts: string | undefined
  /** The domain of the connection. */
  readonly domain: string | undefined
}

export interface Question {
  /** The folder, or one that will be made, on the disk that is meant. */
  readonly cacheFolder: string
  /** What makes an interface a VPN by its name. */
  readonly vpnKeywords: ReadonlyArray<string>
}

/** A disk, in bytes. */
export interface Space {
  readonly total: number
  /** What this user may still write. */
  readonly free: number
  /** Tells one disk from another. */
  readonly device: number
}

export type Build = Pick<Facts, "memory" | "disk" | "vpn">

/** What one platform can tell. */
export interface Sources {
  readonly memory: Effect.Effect<number | undefined>
  readonly space: (folder: string) => Effect.Effect<Space | undefined>
  readonly interfaces: Effect.Effect<ReadonlyArray<NetworkInterface>>
  readonly power: Effect.Effect<Facts["power"]>
  readonly isMetered: Effect.Effect<boolean | undefined>
  readonly dhcp: Effect.Effect<DhcpFacts>
}

export class Host extends Context.Service<
  Host,
  {
    /** What decides whether it takes part in peering: read in a millisecond. */
    readonly build: (question: Question) => Effect.Effect<Build>
    /** All facts; NetworkManager may take a moment to answer. */
    readonly facts: (question: Question) => Effect.Effect<Facts>
    /** Where the power comes from: read in a millisecond. */
    readonly power: Effect.Effect<Facts["power"]>
    /** Whether bytes cost money: a program of the system is asked, which may take a moment. */
    readonly isMetered: Effect.Effect<boolean | undefined>
    readonly interfaces: Effect.Effect<ReadonlyArray<NetworkInterface>>
    readonly dhcp: Effect.Effect<DhcpFacts>
    /** The disk that the folder lies on, or would: one call to the system. */
    readonly space: (folder: string) => Effect.Effect<Space | undefined>
  }
>()("@piecework/host/Host") {
  /** Of this machine. `root` is where its /proc, /sys, /run and /var are; default "/". */
  static readonly layer = (options?: { readonly root?: string }): Layer.Layer<Host> =>
    Layer.sync(Host, () => make(Linux.sources(options?.root ?? "/")))

  /**
   * A device that says what it is told to, each time anew where that is a function; by default a capable desktop of which
   * DHCP said nothing.
   */
  static readonly layerTest = (said?: {
    readonly facts?: Partial<Facts> | (() => Partial<Facts>)
    readonly interfaces?: ReadonlyArray<NetworkInterface>
    readonly dhcp?: Partial<DhcpFacts>
    /** Asked for each time. Default: half of the desktop's disk is free. */
    readonly space?: (folder: string) => Space | undefined
  }): Layer.Layer<Host> => {
    const given = said?.facts
    const facts = Effect.sync((): Facts => ({ ...desktop, ...(typeof given === "function" ? given() : given) }))
    return Layer.succeed(
      Host,
      Host.of({
        build: () => facts,
        facts: () => facts,
        power: Effect.map(facts, ({ power }) => power),
        isMetered: Effect.map(facts, ({ isMetered }) => isMetered),
        interfaces: Effect.succeed(said?.interfaces ?? []),
        dhcp: Effect.succeed({ ...silent, ...said?.dhcp }),
        space: (folder) => Effect.sync(() => (said?.space === undefined ? halfFree : said.space(folder)))
      })
    )
  }
}

const make = (sources: Sources): Host["Service"] => {
  const build: Host["Service"]["build"] = ({ cacheFolder, vpnKeywords }) =>
    Effect.all({
      memory: sources.memory,
      disk: Effect.map(sources.space(cacheFolder), (space) => space?.total),
      vpn: Effect.map(sources.interfaces, (all) => vpn(all, vpnKeywords))
    })
  return Host.of({
    power: sources.power,
    isMetered: sources.isMetered,
    interfaces: sources.interfaces,
    dhcp: sources.dhcp,
    space: sources.space,
    build: Effect.fn("Host.build")(build),
    facts: Effect.fn("Host.facts")((question) =>
      Effect.map(
        Effect.all([build(question), Effect.all({ power: sources.power, isMetered: sources.isMetered })], {
          concurrency: "unbounded"
        }),
        ([built, moving]) => ({ ...built, ...moving })
      )
    )
  })
}

const desktop: Facts = {
  memory: 17_179_869_184,
  disk: 549_755_813_888,
  vpn: false,
  power: "Mains",
  isMetered: false
}

const halfFree: Space = { total: 549_755_813_888, free: 274_877_906_944, device: 1 }

const silent: DhcpFacts = { group: undefined, cacheHosts: undefined, domain: undefined }
