/** The floor plan of what downloads and serves: which layer stands on which. What it keeps the program chooses. */
import { release, type } from "node:os"
import { join } from "node:path"
import type { PartialFiles } from "@piecework/cache/PartialFile"
import type { PieceCache } from "@piecework/cache/PieceCache"
import { CacheHosts } from "@piecework/cachehosts/CacheHosts"
import { Cloud, CloudConfig, Profile } from "@piecework/cloud"
import type { ServiceKey } from "@piecework/cloud/PolicySignature"
import { Peer } from "@piecework/domain"
import {
  Activity,
  Destination,
  DownloadConfig,
  Downloader,
  Ledgers,
  LoggedDownloads,
  Months,
  NoPeers,
  Permission,
  type Records,
  Seeder
} from "@piecework/download"
import { BufferPool, BufferPoolConfig } from "@piecework/hashing"
import type { PieceHasher } from "@piecework/hashing/PieceHasher"
import { Bans, PeerConfig, PeerHost } from "@piecework/peers"
import * as LivePolicy from "@piecework/policy/LivePolicy"
import { Courier } from "@piecework/reports/Courier"
import * as CourierConfig from "@piecework/reports/CourierConfig"
import { Outbox } from "@piecework/reports/Outbox"
import * as OutboxConfig from "@piecework/reports/OutboxConfig"
import * as ReportedDownloads from "@piecework/reports/ReportedDownloads"
import * as ReportedDownloadsConfig from "@piecework/reports/ReportedDownloadsConfig"
import * as Shaper from "@piecework/shaping/Shaper"
import { HttpClient, HttpClientConfig, Proxies } from "@piecework/sources"
import { Transport } from "@piecework/transport"
import { Effect, FileSystem, Layer, Option } from "effect"
import type { LiveSettings } from "./LiveSettings.ts"
import * as OwnAddress from "./OwnAddress.ts"
import * as ServiceSettings from "./ServiceSettings.ts"
import { ServiceTrust } from "./ServiceTrust.ts"
import { StateFolder } from "./StateFolder.ts"
import * as ThisHost from "./ThisHost.ts"

export interface Options {
  /** The version of the program, as the service is told. */
  readonly version: string
  /** Where the cache lies, when it is not in the state folder. */
  readonly cache: string | undefined
  readonly service: Option.Option<string>
  /** File with the certificates by which to know the service. */
  readonly serviceCa: Option.Option<string>
  /** Its answers about contents are to be signed by one of these, if there are any. */
  readonly serviceKeys: ReadonlyArray<ServiceKey>
  /** Where to listen for peers; `undefined` when this command has no use for peers. */
  readonly listen: { readonly host: string; readonly port: Option.Option<number>; readonly orAny: boolean } | undefined
  readonly group: string | undefined
  /** The settings as they are now. */
  readonly policy: LiveSettings
  /** Whether the service is told what became of downloads. */
  readonly reports: boolean
  /** Whether the local network is asked for peers, and told of what is here. */
  readonly lan: boolean
  /** Whether the local network is asked for cache servers, where nobody else names one. */
  readonly lanForCaches: boolean
  /** Whether the machine is there to serve its site, so that rules for people's devices (memory, battery, VPN, what is metered) do not count. */
  readonly isServer?: boolean | undefined
  /** Whether it fetches at once, and so hears of its service's settings by then. */
  readonly fetches: boolean
  /** Where proxies on the way to origins and to the service are named. Default that of the process. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined
  readonly download?: Partial<DownloadConfig.DownloadConfig["Service"]> | undefined
}

/**
 * Loaded when there is a service to ask: it takes 20 ms. Connections are kept, since the swarm is asked twice a second. It goes by the
 * same proxies as origins do.
 */
export const nodeHttp = (certificates: string | undefined, environment: NodeJS.ProcessEnv = process.env) =>
  Layer.unwrap(
    Effect.map(
      Effect.promise(() => import("@effect/platform-node/NodeHttpClient")),
      ({ layerNodeHttpOptions }) =>
        layerNodeHttpOptions({
          keepAlive: true,
          proxyEnv: Proxies.forNode(environment),
          ...(certificates === undefined ? {} : { ca: certificates })
        })
    )
  )

/** Loaded when the local network is of use. */
const neighbours = Layer.unwrap(
  Effect.map(
    Effect.promise(() => import("@piecework/lan")),
    ({ Lan, Multicast }) => Lan.Lan.layer.pipe(Layer.provide(Multicast.Multicast.layer))
  )
)

/** The services behind the URL. */
export const services = (
  serviceUrl: string,
  options: Pick<Options, "group" | "serviceKeys" | "policy" | "environment" | "version">
) =>
  Layer.unwrap(
    Effect.map(ServiceTrust, ({ certificates, credential }) =>
      Cloud.Cloud.layer.pipe(
        Layer.provide([
          CloudConfig.layer({
            serviceUrl,
            clientVersion: options.version,
            groupId: options.group,
            profile: profileOf(options),
            credential,
            serviceKeys: options.serviceKeys
          }),
          nodeHttp(certificates, options.environment)
        ])
      )
    )
  )

/** What a program keeps, at least. A `CacheKeeper` beside it has the rules of a device. */
export type Kept = StateFolder | PieceCache | PartialFiles | PieceHasher | Records.Records

/** Everything that downloads and serves. */
export const client = <More, E, R>(options: Options, storage: Layer.Layer<Kept | More, E, R>) => {
  const cloud = Option.match(options.service, {
    onNone: () => Layer.empty,
    onSome: (serviceUrl) =>
      Layer.unwrap(
        Effect.map(StateFolder, ({ root }) =>
          ServiceSettings.layer({
            root,
            service: serviceUrl,
            atOnce: !options.fetches,
            hear: options.policy.hear
          }).pipe(Layer.provide(services(serviceUrl, options)))
        )
      )
  })
  const sources = Layer.unwrap(
    Effect.map(ServiceTrust, ({ certificatesOf }) =>
      HttpClient.HttpClient.layer.pipe(
        Layer.provide(
          HttpClientConfig.layer({
            certificatesOf,
            proxies: Proxies.fromEnvironment(options.environment ?? process.env)
          })
        )
      )
    )
  )
  const config = Layer.unwrap(
    Effect.map(reachedAt(options), (reportedHost) =>
      DownloadConfig.layer({
        ...options.download,
        reportedHost,
        reportedMask: OwnAddress.maskOf(reportedHost ?? options.listen?.host),
        groupId: options.group,
        profile: profileOf(options)
      })
    )
  )
  // A cache server that asked around would find itself: it asks those alone that its settings name.
  const cacheHosts =
    options.isServer === true
      ? CacheHosts.layerMemory()
      : CacheHosts.layer({
          lan: options.lanForCaches ? neighbours : undefined,
          atOnce: !options.fetches
        }).pipe(Layer.provide([cloud, ThisHost.layer]))
  // The services as well, for the proxy to ask.
  return Layer.mergeAll(downloads(options), Seeder.Seeder.layer, cloud).pipe(
    Layer.provideMerge(options.isServer === true ? Layer.empty : ledgers),
    Layer.provideMerge(peers(options.listen)),
    Layer.provide([cloud, options.lan ? neighbours : Layer.empty, config, Destination.Destination.layer]),
    Layer.provideMerge(cacheHosts),
    Layer.provideMerge(sources),
    Layer.provide([Transport.Transport.layer, ServiceTrust.layer(options)]),
    Layer.provideMerge(shaping),
    Layer.provideMerge(permission(options)),
    Layer.provideMerge(Activity.layer),
    Layer.provideMerge(months),
    Layer.provideMerge(storage),
    Layer.provideMerge(BufferPool.BufferPool.layer.pipe(Layer.provide(BufferPoolConfig.layer()))),
    // Below all of it, so that every room sees the same settings.
    Layer.provideMerge(
      Layer.merge(
        Layer.succeed(LivePolicy.LivePolicy, options.policy),
        Layer.effectDiscard(Effect.forkScoped(options.policy.keepUp))
      )
    )
  )
}

/** The limits of rate, which remember what the line can carry. */
const shaping = Layer.unwrap(Effect.map(StateFolder, ({ line }) => Shaper.layer({ file: line })))

/** Why downloads went as they did, for who asks later. */
const ledgers = Layer.unwrap(Effect.map(StateFolder, (places) => Ledgers.layer(places.ledgers)))

/** What the device counts as among others. */
const profileOf = ({ policy }: Pick<Options, "policy">): number =>
  policy.current().get("DeviceClass") === 1 ? Profile.server : Profile.pc

/** What the device downloads and sends in a month, by all its processes. */
const months = Layer.unwrap(
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const { months: folder, root } = yield* StateFolder
    // Where earlier versions counted what Internet peers were sent. A folder that is there already stays.
    yield* Effect.ignore(fs.rename(join(root, "uploads"), folder))
    return Months.Months.layer(folder)
  })
)

/** Where there are peers: who of them may be sent pieces. */
const permission = ({ cache: place, isServer = false, listen }: Options) => {
  if (listen === undefined || isServer) return Layer.empty
  return Layer.unwrap(
    Effect.map(StateFolder, ({ cache }) =>
      Permission.layer({ cacheFolder: place ?? cache }).pipe(Layer.provide(ThisHost.layer))
    )
  )
}

/** Downloads, and who reports them if they are to be. */
const downloads = (options: Options) => {
  const logged = LoggedDownloads.layer.pipe(Layer.provide(Downloader.Downloader.layer))
  if (!options.reports || Option.isNone(options.service)) return logged
  return Layer.unwrap(
    Effect.map(StateFolder, ({ reports, self }) => {
      const outbox = Outbox.layer(reports).pipe(Layer.provide(OutboxConfig.layer()))
      const told = ReportedDownloadsConfig.layer({ groupId: options.group, peerId: self })
      const courier = CourierConfig.layer({
        deviceId: Peer.deviceOf(self),
        clientVersion: options.version,
        osVersion: `${type()} ${release()}`
      })
      return Layer.mergeAll(
        ReportedDownloads.layer.pipe(Layer.provide([logged, told])),
        Courier.layer.pipe(Layer.provide(courier))
      ).pipe(Layer.provide(outbox))
    })
  )
}

/** Where others reach us: the address we listen on, unless that is all of them. */
const reachedAt = ({ listen, service }: Options): Effect.Effect<string | undefined> => {
  if (listen === undefined || Option.isNone(service)) return Effect.succeed(undefined)
  const isAll = listen.host === "0.0.0.0" || listen.host === "::"
  return isAll ? OwnAddress.towards(service.value) : Effect.succeed(listen.host)
}

const peers = (listen: Options["listen"]) =>
  Layer.unwrap(
    Effect.map(StateFolder, ({ self }) => {
      if (listen === undefined) return NoPeers.layer(self)
      const on = (port: number) =>
        PeerHost.PeerHost.layer.pipe(
          Layer.provide(PeerConfig.layer({ self, host: listen.host, port, isNear: OwnAddress.isNear }))
        )
      const first = on(Option.getOrElse(listen.port, () => Peer.defaultPort))
      return listen.orAny && Option.isNone(listen.port)
        ? Layer.catchTag(first, "TransportError", (error) =>
            error.reason === "InUse" ? on(0) : Layer.effect(PeerHost.PeerHost, Effect.fail(error))
          )
        : first
    })
  ).pipe(Layer.provideMerge(Bans.Bans.layer))
