/**
 * The floor plan of the cache server: the drives, with contents that the service vouches for and files by their URL; what fetches them from
 * parents and origins; the member of the swarms of its site; and what is counted.
 */
import { Drives, DrivenCache, CacheConfig, PartialFile } from "@piecework/cache"
import * as CacheNodeConfig from "@piecework/cachenode/CacheNodeConfig"
import { Figures } from "@piecework/cachenode/Figures"
import type { ServiceKey } from "@piecework/cloud/PolicySignature"
import * as Layers from "@piecework/device/Layers"
import type { LiveSettings } from "@piecework/device/LiveSettings"
import { ServiceTrust } from "@piecework/device/ServiceTrust"
import { StateFolder } from "@piecework/device/StateFolder"
import * as ThisHost from "@piecework/device/ThisHost"
import { Records } from "@piecework/download/Records"
import { Fills, FillsConfig } from "@piecework/fills"
import * as Parents from "@piecework/fills/Parents"
import { HasherConfig, PieceHasher } from "@piecework/hashing"
import { KnownContents } from "@piecework/objects/KnownContents"
import { Objects } from "@piecework/objects/Objects"
import * as SwarmContents from "@piecework/proxy/SwarmContents"
import { Effect, Layer, Option } from "effect"
import { join } from "node:path"
import { Live } from "./Live.ts"
import * as NodePolicy from "./NodePolicy.ts"
import * as Orders from "./Orders.ts"
import { Rates } from "./Rates.ts"
import type { Settings } from "./Settings.ts"
import * as SwarmFigures from "./SwarmFigures.ts"
import { version } from "./version.ts"

export interface NodeOptions {
  readonly settings: Settings
  /** What the service said before this start. */
  readonly orders: Orders.Orders
  readonly serviceKeys: ReadonlyArray<ServiceKey>
  /** The state folder, a full path. */
  readonly root: string
  readonly policy: LiveSettings
}

/** Contents and files on the drives, and what a member of swarms keeps beside them. */
const storage = ({ orders, root, settings }: NodeOptions) =>
  Layer.unwrap(
    Effect.map(StateFolder, ({ records }) => {
      const named = Orders.drivesOf(settings, orders)
      const drives = named.length > 0 ? named : [{ folder: join(root, "drive"), size: undefined }]
      const hasher = PieceHasher.PieceHasher.layer.pipe(Layer.provide(HasherConfig.layer({ startedAhead: 1 })))
      return Layer.mergeAll(
        DrivenCache.layer,
        Objects.layer,
        // A download in Simple mode has a file of its own meanwhile; nothing here asks for one.
        PartialFile.PartialFiles.layer.pipe(Layer.provide(CacheConfig.layer({ directory: join(root, "partial") }))),
        Records.layer(records)
      ).pipe(
        Layer.provideMerge(
          Drives.Drives.layer(drives.map(({ folder, size = 0 }) => ({ folder, size }))).pipe(
            Layer.provide(ThisHost.layer)
          )
        ),
        Layer.provideMerge(hasher)
      )
    })
  ).pipe(Layer.provideMerge(StateFolder.layer(root)))

/** What the front says and allows is asked for at each request, since it may change. */
const front = Layer.effect(
  CacheNodeConfig.CacheNodeConfig,
  Effect.map(Live, (live) => ({
    ...CacheNodeConfig.defaults,
    get allow() {
      return live.inForce().allow
    },
    get closed() {
      return live.inForce().closed
    },
    get maxOut() {
      return live.inForce().maxOut
    },
    get cid() {
      return live.inForce().cid
    }
  }))
)

/** All that the front stands on, and what tells of it. */
export const layer = (options: NodeOptions) => {
  const { orders, policy, serviceKeys, settings } = options
  const trusted = {
    service: Option.fromUndefinedOr(settings.service),
    serviceCa: Option.fromUndefinedOr(settings.serviceCa)
  }
  const member = {
    ...trusted,
    version,
    cache: undefined,
    serviceKeys,
    group: settings.group,
    policy,
    reports: false,
    lan: settings.peers !== undefined && settings.service === undefined,
    lanForCaches: false,
    fetches: false,
    isServer: true,
    environment: Orders.environmentOf(process.env, orders),
    listen:
      settings.peers === undefined
        ? undefined
        : { host: settings.peers.host ?? "0.0.0.0", port: Option.some(settings.peers.port), orAny: false }
  }
  const mode = NodePolicy.modeOf({ group: settings.group, hasPeers: settings.peers !== undefined })
  return Layer.mergeAll(
    Fills.Fills.layer.pipe(Layer.provide(FillsConfig.layer())),
    SwarmContents.layer(Effect.succeed(mode)).pipe(Layer.provide(SwarmFigures.layer)),
    KnownContents.layer(join(options.root, "known")),
    Rates.layer,
    ServiceTrust.layer(trusted)
  ).pipe(
    Layer.provide(Parents.layer),
    Layer.provideMerge(Layer.mergeAll(Figures.layer, front)),
    Layer.provideMerge(Layers.client(member, storage(options))),
    Layer.provideMerge(Live.layer(settings, orders))
  )
}
