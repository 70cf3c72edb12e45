/**
 * A site in one process: a network in memory, an origin that counts its bytes, a matching service, and as many clients
 * as a test wants, each a machine of its own. Time is the test clock's.
 */
import { MemoryFiles } from "@piecework/cache/MemoryFiles"
import { PartialFiles } from "@piecework/cache/PartialFile"
import { PieceCache } from "@piecework/cache/PieceCache"
import type { CacheHost } from "@piecework/cachehosts/CacheHost"
import { CacheHosts } from "@piecework/cachehosts/CacheHosts"
import { Catalog, CatalogConfig, CatalogGate, ContentPolicyHandlers, RuleHasher } from "@piecework/catalog"
import { Cloud, CloudConfig, Directory } from "@piecework/cloud"
import * as Caller from "@piecework/cloud/Caller"
import { anonymous, type Identity } from "@piecework/cloud/Identity"
import { JoinRequest } from "@piecework/cloud/ArrayRpcs"
import type { ContentId } from "@piecework/domain/Content"
import * as ContentUrl from "@piecework/domain/ContentUrl"
import { digest } from "./internal/digest.ts"
import * as PeerIds from "@piecework/domain/Peer"
import {
  Activity,
  Destination,
  DownloadConfig,
  Downloader,
  type DownloadError,
  Months,
  Permission,
  Records,
  Seeder
} from "@piecework/download"
import { Host } from "@piecework/host"
import { Lan, MemoryMulticast } from "@piecework/lan"
import { BufferPool, BufferPoolConfig, Phf } from "@piecework/hashing"
import { Bans, PeerConfig, PeerHost } from "@piecework/peers"
import type { Facts } from "@piecework/policy/Facts"
import * as LivePolicy from "@piecework/policy/LivePolicy"
import * as Shaper from "@piecework/shaping/Shaper"
import {
  Courier,
  CourierConfig,
  Outbox,
  OutboxConfig,
  ReportedDownloads,
  ReportedDownloadsConfig,
  ReportHandlers,
  Reports,
  ReportsConfig
} from "@piecework/reports"
import { HttpClient, HttpClientConfig } from "@piecework/sources"
import { ArrayHandlers, SwarmConfig, Swarms } from "@piecework/swarm"
import { MemoryNetwork } from "@piecework/transport"
import { Transport } from "@piecework/transport/Transport"
import { Context, Effect, FileSystem, Layer, Option, Result, type Scope } from "effect"
import * as TestOrigin from "./TestOrigin.ts"

/** Addresses of the two servers; clients are 10.0.0.1, 10.0.0.2, … */
export const originHost = "10.9.0.1"
export const serviceHost = "10.9.0.2"
/** Where a cache server of the site is, and another one, once a test has them there. */
export const cacheHost = "10.9.0.3"
export const otherCacheHost = "10.9.0.4"

/** Where the service sees the clients of the site. */
const siteIp = "203.0.113.1"

export interface WorldOptions {
  readonly network?: MemoryNetwork.Options | undefined
  /** Bytes in a piece. Default 4096: small, so that many pieces cost little. */
  readonly pieceSize?: number | undefined
}

export interface ClientOptions {
  /** What the client calls itself in the network; default the next free one. */
  readonly host?: string | undefined
  readonly config?: Partial<DownloadConfig.DownloadConfig["Service"]> | undefined
  /** Its settings; default the built-in ones, for good. */
  readonly policy?: LivePolicy.LivePolicy | undefined
  /** What it is like, asked for again and again: then it keeps to the rules of who may have peers and send to them. Default: it may. */
  readonly facts?: (() => Partial<Facts>) | undefined
  /** Where it counts what it downloads and sends in a month. Default in memory. */
  readonly months?: Months.Months["Service"] | undefined
  /** Whether it looks for peers on the local network, on which all such clients are. */
  readonly hasLan?: boolean | undefined
  /** Which cache servers it knows. Default: nobody looks for any. */
  readonly cacheHosts?: CacheHosts["Service"] | undefined
  /** No service at all. */
  readonly noService?: boolean | undefined
  /** Another `Cloud` than the world's, such as one that misbehaves. */
  readonly cloud?: Layer.Layer<Cloud.Cloud> | undefined
  /** Where its contents lie. Default in memory, and so are the files that it makes of them. */
  readonly cache?: Layer.Layer<PieceCache> | undefined
  /** Tells the service what became of its downloads, when `report` is run. Default false. */
  readonly reports?: boolean | undefined
  /** Where the service sees it; clients of one site share it. Default "203.0.113.1". */
  readonly externalIp?: string | undefined
  /** Who it has proved to be. Default nobody. */
  readonly identity?: Identity | undefined
}

export type ClientServices =
  | Bans.Bans
  | BufferPool.BufferPool
  | Downloader.Downloader
  | MemoryFiles
  | Months.Months
  | PeerHost.PeerHost
  | PieceCache
  | Records.Records
  | Seeder.Seeder
  | Transport

export interface TestClient {
  readonly host: string
  readonly services: Context.Context<ClientServices>
  /** Starts a download that lives as long as the scope. */
  readonly start: (
    request: Omit<Downloader.DownloadRequest, "path" | "mode"> & Partial<Downloader.DownloadRequest>
  ) => Effect.Effect<Downloader.ActiveDownload, never, Scope.Scope>
  /** Opens a content to be read, as long as the scope lasts. */
  readonly open: (
    request: Omit<Downloader.OpenRequest, "mode"> & Partial<Downloader.OpenRequest>
  ) => Effect.Effect<Downloader.OpenContent, DownloadError.DownloadError, Scope.Scope>
  /** Tells the service what it was not told yet; answers how many events it took. */
  readonly report: Effect.Effect<number, Courier.CourierError>
  /** What arrived at a path, if anything. */
  readonly file: (path: string) => Effect.Effect<Option.Option<Uint8Array>>
}

export interface World {
  readonly network: MemoryNetwork.MemoryNetwork["Service"]
  readonly origin: TestOrigin.TestOrigin
  /** The service's HTTP side, which has the pieces hash files. */
  readonly metadata: TestOrigin.TestOrigin
  readonly pieceSize: number
  /** What is published; changes are made here as by another process. */
  readonly catalog: Catalog.Catalog["Service"]
  /** What the service was told. */
  readonly reports: Reports.Reports["Service"]
  /** The services as a client of the site has them. */
  readonly cloud: Layer.Layer<Cloud.Cloud>
  /** Puts the bytes at the origin and tells the service about them; `size` is that of pieces, if not the world's. */
  readonly publish: (
    path: string,
    bytes: Uint8Array,
    size?: number
  ) => Effect.Effect<{ url: ContentUrl.ContentUrl; phf: Phf.Phf }>
  /** Lets a peer that is no client of this world into a content's swarm, as one that holds everything. */
  readonly introduce: (contentId: ContentId, peer: PeerIds.PeerId, address: PeerIds.PeerAddress) => Effect.Effect<void>
  /** A cache server of the site that has what lies at these paths of the origin, and counts what it sends. */
  readonly cacheServer: (
    files: Readonly<Record<string, Uint8Array>>,
    host?: string
  ) => Effect.Effect<TestOrigin.TestOrigin, never, Scope.Scope>
  /** The URL of a path at the origin. */
  readonly urlOf: (path: string) => ContentUrl.ContentUrl
  readonly client: (options?: ClientOptions) => Effect.Effect<TestClient, never, Scope.Scope>
}

export const make = Effect.fn("World.make")(function* (
  options: WorldOptions = {}
): Effect.fn.Return<World, never, Scope.Scope> {
  const pieceSize = options.pieceSize ?? 4096
  const networkLayer = MemoryNetwork.MemoryNetwork.layer(options.network)
  const network = Context.get(yield* Layer.build(networkLayer), MemoryNetwork.MemoryNetwork)
  const on = (host: string) => Effect.provideService(Transport, network.transport(host))
  const origin = yield* TestOrigin.make({ host: originHost, port: 80 }).pipe(on(originHost), Effect.orDie)
  const metadata = yield* TestOrigin.make({ host: serviceHost, port: 80 }).pipe(on(serviceHost), Effect.orDie)

  const catalogLayer = Layer.orDie(Catalog.Catalog.layerMemory)
  const reportsLayer = Reports.Reports.layerMemory.pipe(Layer.provide(ReportsConfig.layer()), Layer.orDie)
  const roles = ArrayHandlers.layer.pipe(
    Layer.provide(Swarms.Swarms.layerEmbedded),
    Layer.provide(SwarmConfig.layer()),
    Layer.provideMerge(Directory.layer()),
    Layer.provideMerge(ContentPolicyHandlers.layer.pipe(Layer.provide(RuleHasher.RuleHasher.layerNone))),
    Layer.provideMerge(Layer.orDie(CatalogGate.layer)),
    Layer.provideMerge(catalogLayer),
    Layer.provideMerge(ReportHandlers.layer),
    Layer.provideMerge(reportsLayer),
    Layer.provide(CatalogConfig.layer())
  )
  const service = yield* Layer.build(roles)
  const catalog = Context.get(service, Catalog.Catalog)
  let clients = 0

  const urlOf = (path: string) => Result.getOrThrow(ContentUrl.parse(`http://${originHost}${path}`))

  const cloudAt = (externalIp: string, identity: Identity = anonymous) =>
    Cloud.Cloud.layerHandlers({ externalIp }).pipe(
      Layer.provide(CloudConfig.layer()),
      Layer.provide(Caller.layerInProcess({ baseUrl: `http://${serviceHost}`, identity })),
      Layer.provide(Layer.succeedContext(service))
    )
  const multicast = yield* Layer.build(MemoryMulticast.MemoryMulticast.layer)
  const lanAt = (host: string) =>
    Lan.Lan.layer.pipe(
      Layer.provide(MemoryMulticast.layerMulticast(host)),
      Layer.provide(Layer.succeedContext(multicast))
    )
  const own = Context.get(yield* Layer.build(Layer.fresh(cloudAt(siteIp))), Cloud.Cloud)

  const client = Effect.fnUntraced(function* (of: ClientOptions = {}) {
    const n = ++clients
    const host = of.host ?? `10.0.${n >> 8}.${n & 0xff}`
    const self = PeerIds.PeerId.make(n.toString(16).padStart(32, "0") + "00000000")
    const cloud = of.cloud ?? cloudAt(of.externalIp ?? siteIp, of.identity)
    const peers = PeerHost.PeerHost.layer.pipe(
      Layer.provide(
        PeerConfig.layer({ self, host, port: PeerIds.defaultPort, blockSize: Math.max(1024, pieceSize / 4) })
      ),
      Layer.orDie
    )
    const outbox = Outbox.Outbox.layerMemory.pipe(Layer.provide(OutboxConfig.layer()))
    const reporting = Layer.mergeAll(
      ReportedDownloads.layer.pipe(
        Layer.provide([
          Downloader.Downloader.layer,
          outbox,
          ReportedDownloadsConfig.layer({ peerId: self, groupId: of.config?.groupId })
        ])
      ),
      Courier.Courier.layer.pipe(
        Layer.provide([outbox, CourierConfig.layer({ deviceId: PeerIds.deviceOf(self), clientVersion: "1" }), cloud])
      )
    )
    const downloads = of.reports === true ? reporting : Downloader.Downloader.layer
    const layer = Layer.mergeAll(downloads, Seeder.Seeder.layer).pipe(
      Layer.provide([
        of.noService === true ? Layer.empty : cloud,
        of.hasLan === true ? lanAt(host) : Layer.empty,
        of.cacheHosts === undefined ? Layer.empty : Layer.succeed(CacheHosts, of.cacheHosts),
        DownloadConfig.layer({ minContentSize: 0, ...of.config }),
        Destination.Destination.layerAny,
        HttpClient.HttpClient.layer.pipe(Layer.provide(HttpClientConfig.layer()))
      ]),
      Layer.provideMerge(peers),
      Layer.provideMerge(
        Layer.mergeAll(of.cache ?? PieceCache.layerMemory, Records.Records.layerMemory, Bans.Bans.layer).pipe(
          Layer.provideMerge(PartialFiles.layerMemory)
        )
      ),
      Layer.provideMerge(
        BufferPool.BufferPool.layer.pipe(Layer.provide(BufferPoolConfig.layer({ slots: 64, bufferSize: pieceSize })))
      ),
      Layer.provideMerge(Layer.succeed(Transport, network.transport(host))),
      Layer.provideMerge(
        of.policy === undefined ? Layer.empty : Shaper.layer().pipe(Layer.provide(FileSystem.layerNoop({})))
      ),
      Layer.provideMerge(of.facts === undefined ? Layer.empty : permission(of.facts)),
      Layer.provideMerge(Activity.layer),
      Layer.provideMerge(of.months === undefined ? Months.Months.layerMemory : Layer.succeed(Months.Months, of.months)),
      Layer.provideMerge(of.policy === undefined ? Layer.empty : Layer.succeed(LivePolicy.LivePolicy, of.policy))
    )
    const services = yield* Layer.build(Layer.fresh(layer))
    const courier = Context.getOption(services, Courier.Courier)
    return {
      host,
      services,
      report: Option.match(courier, { onNone: () => Effect.succeed(0), onSome: ({ flush }) => flush }),
      start: (request) =>
        Context.get(services, Downloader.Downloader).start({ path: "/out/file", mode: "Lan", ...request }),
      open: (request) => Context.get(services, Downloader.Downloader).open({ mode: "Lan", ...request }),
      file: (path) => Context.get(services, MemoryFiles).get(path)
    } satisfies TestClient
  })

  const introduce = Effect.fnUntraced(function* (
    contentId: ContentId,
    peerId: PeerIds.PeerId,
    address: PeerIds.PeerAddress
  ) {
    const [array] = yield* own.discover(yield* own.whereabouts, contentId)
    yield* own.join(
      array.url,
      new JoinRequest({
        contentId,
        peerId,
        reportedIp: address.host,
        port: address.port,
        scope: "Lan",
        peersWanted: 0,
        event: "Started",
        seq: 0,
        uploaded: 0,
        downloaded: 0,
        downloadedCdn: 0,
        downloadedCache: 0,
        left: 0
      })
    )
  }, Effect.orDie)

  const cacheServer = Effect.fnUntraced(function* (files: Readonly<Record<string, Uint8Array>>, host = cacheHost) {
    const server = yield* TestOrigin.make({ host, port: 80 }).pipe(on(host), Effect.orDie)
    // It has the origin's own validators: the first file there is the first here.
    for (const [path, bytes] of Object.entries(files)) server.put(cachePathOf(path), bytes)
    return server
  })

  return {
    catalog,
    cacheServer,
    cloud: cloudAt(siteIp),
    introduce,
    network,
    origin,
    metadata,
    pieceSize,
    reports: Context.get(service, Reports.Reports),
    urlOf,
    client,
    publish: Effect.fnUntraced(function* (path, bytes, size = pieceSize) {
      origin.put(path, bytes)
      const phf = phfOf(bytes, size)
      const url = urlOf(path)
      yield* Effect.orDie(catalog.publish(phf, [url]))
      metadata.put(`/phf/${phf.contentId}`, Phf.encode(phf))
      return { url, phf }
    })
  }
})

/** Under which path a cache server is asked for what lies at a path of the origin. */
export const cachePathOf = (path: string): string => `${path}?cacheHostOrigin=${originHost}`

/** A cache server as the settings name it. */
export const cacheAt = (host: string): CacheHost => ({ host, port: 80, protocol: "http:", provider: "Policy" })

/** The rules of peering and uploading, kept to. */
const permission = (facts: () => Partial<Facts>) =>
  Permission.layer({ cacheFolder: "/cache" }).pipe(Layer.provide(Host.Host.layerTest({ facts })))

/** The pieces hash file of bytes in memory. */
export const phfOf = (bytes: Uint8Array, pieceSize: number): Phf.Phf => {
  const count = Math.ceil(bytes.length / pieceSize)
  const digests = new Uint8Array(count * 32)
  for (let n = 0; n < count; n++) digests.set(digest(bytes.subarray(n * pieceSize, (n + 1) * pieceSize)), n * 32)
  return Phf.make({ contentSize: bytes.length, pieceSize, digests })
}

/** The pieces hash file of bytes in memory, as it lies on a server. */
export const hashesOf = (bytes: Uint8Array, pieceSize: number): Uint8Array => Phf.encode(phfOf(bytes, pieceSize))

/** Bytes that look random and are the same for the same seed. */
export const bytesOf = (length: number, seed = 1): Uint8Array => {
  const bytes = new Uint8Array(length)
  let state = seed >>> 0 || 1
  for (let i = 0; i < length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[i] = state
  }
  return bytes
}
