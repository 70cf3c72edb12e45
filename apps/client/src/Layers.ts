/** The floor plan of the client: which layer stands on which. */
import { availableParallelism, release, type } from "node:os"
import { CacheConfig, CacheKeeper, PartialFile, PieceCache } from "@piecework/cache"
import { CacheHosts } from "@piecework/cachehosts/CacheHosts"
import { Cloud, CloudConfig, Profile } from "@piecework/cloud"
import type { ServiceKey } from "@piecework/cloud/PolicySignature"
import { Peer } from "@piecework/domain"
import {
  Destination,
  DownloadConfig,
  Downloader,
  MonthlyUploads,
  NoPeers,
  Permission,
  Records,
  Seeder
} from "@piecework/download"
import { BufferPool, BufferPoolConfig, HasherConfig, PieceHasher } from "@piecework/hashing"
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
import { Output } from "@piecework/terminal/Output"
import { Transport } from "@piecework/transport"
import { Effect, Layer, Option } from "effect"
import * as CachePlace from "./CachePlace.ts"
import * as DevicePolicy from "./DevicePolicy.ts"
import * as OwnAddress from "./OwnAddress.ts"
import * as ServiceSettings from "./ServiceSettings.ts"
import { ServiceTrust } from "./ServiceTrust.ts"
import { defaultRoot, StateFolder } from "./StateFolder.ts"
import { version } from "./version.ts"

export interface Options {
  readonly state: Option.Option<string>
  /** Where the cache lies, when the settings name a folder. */
  readonly cache: string | undefined
  /** Whether the command is of use without what outlives it. */
  readonly mayForget: boolean
  readonly service: Option.Option<string>
  /** File with the certificates by which to know the service. */
  readonly serviceCa: Option.Option<string>
  /** Its answers about contents are to be signed by one of these, if there are any. */
  readonly serviceKeys: ReadonlyArray<ServiceKey>
  /** Where to listen for peers; `undefined` when this command has no use for peers. */
  readonly listen: { readonly host: string; readonly port: Option.Option<number>; readonly orAny: boolean } | undefined
  readonly group: string | undefined
  /** The settings as they are now. */
  readonly policy: DevicePolicy.Live
  /** Whether the service is told what became of downloads. */
  readonly reports: boolean
  /** Whether the local network is asked for peers, and told of what is here. */
  readonly lan: boolean
  /** Whether the local network is asked for cache servers, where nobody else names one. */
  readonly lanForCaches: boolean
  /** Whether it fetches at once: a thread that hashes starts while the origin is asked then. */
  readonly fetches: boolean
  /** Whether somebody may ask for a content at any moment and wait for its first byte: then that thread is there already. */
  readonly isAsked?: boolean | undefined
  /** Where proxies on the way to origins and to the service are named. Default that of the process. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined
  readonly download?: Partial<DownloadConfig.DownloadConfig["Service"]> | undefined
}

/** What is kept in a state folder that is there; makes nothing by itself. */
export const stored = (
  { cache, records }: { readonly cache: string; readonly records: string },
  hasher?: Partial<HasherConfig.HasherConfig["Service"]>
) =>
  Layer.mergeAll(
    CacheKeeper.CacheKeeper.layer.pipe(
      Layer.provideMerge(Layer.mergeAll(PieceCache.PieceCache.layer, PartialFile.PartialFiles.layer)),
      Layer.provide([CacheConfig.layer({ directory: cache }), DevicePolicy.thisHost])
    ),
    Records.Records.layer(records)
  ).pipe(Layer.provideMerge(PieceHasher.PieceHasher.layer), Layer.provide(HasherConfig.layer(hasher)))

/** The state folder, and what is kept in it. A download that was given none of its own goes on without the usual one. */
const storage = ({ cache, fetches, isAsked = false, mayForget, state }: Options) => {
  // On one core they would only take the time of the request.
  const hasher = { startedAhead: (fetches || isAsked) && availableParallelism() > 1 ? 1 : 0 }
  const folder = StateFolder.layer(Option.getOrElse(state, () => defaultRoot(process.env)))
  const usable =
    mayForget && Option.isNone(state)
      ? Layer.catchTag(folder, "StateFolderError", (error) =>
          Layer.unwrap(
            Effect.as(
              Effect.flatMap(Output, (output) =>
                output.note(
                  `piecework: The state folder ${error.path} cannot be used (${error.why}); a temporary one is, so an interrupted download begins anew.`
                )
              ),
              StateFolder.layerTemporary
            )
          )
        )
      : folder
  return Layer.unwrap(
    Effect.map(StateFolder, (places) => {
      const place = cache ?? places.cache
      return takenAlong(places.root, place).pipe(Layer.provideMerge(stored({ ...places, cache: place }, hasher)))
    })
  ).pipe(Layer.provideMerge(usable))
}

/** What lies where the cache was before comes along; what takes a copy while others begin already. */
const takenAlong = (root: string, to: string) =>
  Layer.effectDiscard(Effect.flatMap(CachePlace.takeAlong(root, to), Effect.forkScoped))

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
  options: Pick<Options, "group" | "serviceKeys" | "policy" | "environment">
) =>
  Layer.unwrap(
    Effect.map(ServiceTrust, ({ certificates, credential }) =>
      Cloud.Cloud.layer.pipe(
        Layer.provide([
          CloudConfig.layer({
            serviceUrl,
            clientVersion: version,
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

/** Everything that downloads and serves. */
export const client = (options: Options) => {
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
  const cacheHosts = CacheHosts.layer({
    lan: options.lanForCaches ? neighbours : undefined,
    atOnce: !options.fetches
  }).pipe(Layer.provide([cloud, DevicePolicy.thisHost]))
  // The services as well, for the proxy to ask.
  return Layer.mergeAll(downloads(options), Seeder.Seeder.layer, cloud).pipe(
    Layer.provideMerge(peers(options.listen)),
    Layer.provide([cloud, options.lan ? neighbours : Layer.empty, config, Destination.Destination.layer]),
    Layer.provideMerge(cacheHosts),
    Layer.provideMerge(sources),
    Layer.provide([Transport.Transport.layer, ServiceTrust.layer(options)]),
    Layer.provideMerge(shaping),
    Layer.provideMerge(permission(options)),
    Layer.provideMerge(storage(options)),
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

/** What the device counts as among others. */
const profileOf = ({ policy }: Pick<Options, "policy">): number =>
  policy.current().get("DeviceClass") === 1 ? Profile.server : Profile.pc

/** Where there are peers: who of them may be sent pieces, and what Internet peers were. */
const permission = ({ cache: place, listen }: Options) => {
  if (listen === undefined) return Layer.empty
  return Layer.unwrap(
    Effect.map(StateFolder, ({ cache, uploads }) =>
      Permission.layer({ cacheFolder: place ?? cache }).pipe(
        Layer.provide([DevicePolicy.thisHost, MonthlyUploads.MonthlyUploads.layer(uploads)])
      )
    )
  )
}

/** Downloads, and who reports them if they are to be. */
const downloads = (options: Options) => {
  if (!options.reports || Option.isNone(options.service)) return Downloader.Downloader.layer
  return Layer.unwrap(
    Effect.map(StateFolder, ({ reports, self }) => {
      const outbox = Outbox.layer(reports).pipe(Layer.provide(OutboxConfig.layer()))
      const told = ReportedDownloadsConfig.layer({ groupId: options.group, peerId: self })
      const courier = CourierConfig.layer({
        deviceId: Peer.deviceOf(self),
        clientVersion: version,
        osVersion: `${type()} ${release()}`
      })
      return Layer.mergeAll(
        ReportedDownloads.layer.pipe(Layer.provide([Downloader.Downloader.layer, told])),
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
