/** Where this client listens for peers, who it is, and how much of itself it gives them. */
import { Peer } from "@piecework/domain"
import { Config, Context, Duration, Effect, Layer } from "effect"

export class PeerConfig extends Context.Service<
  PeerConfig,
  {
    /**
     * Whether an address is on a network that this device is on: then who dials from there is of the site, whatever kind of
     * address it is. Default never, which leaves private and link-local addresses.
     */
    readonly isNear: (host: string) => boolean
    /** This process among the peers. `undefined`, the default: a new id for each process. */
    readonly self: Peer.PeerId | undefined
    /** Address to listen on. `PEER_HOST`, default "0.0.0.0": peers are other devices. */
    readonly host: string
    /** TCP port to listen on, 0 for any free one. `PEER_PORT`, default 7680. Source: spec.md §6. */
    readonly port: number
    /** Most sessions and dials at a time, over all contents. `PEER_MAX_CONNECTIONS`, default 50. */
    readonly maxConnections: number
    /** Most incoming connections that have not said who they are yet. Default 32. */
    readonly maxHandshakes: number
    /** Bytes that one request asks for: large enough that a request costs nothing beside its answer, small enough that
     * a piece can be cancelled on the way. Default 256 KiB. Not public for the original. */
    readonly blockSize: number
    /**
     * Most blocks asked for and not yet received in a session. Default 64: 16 MiB under way, more than 1 Gbit/s carries in
     * 100 ms. A peer can hold as many piece buffers as that covers pieces, here 16, by beginning each and ending none.
     */
    readonly maxRequests: number
    /** Most requests of a peer that wait in a session; one more ends it. Default 128. */
    readonly maxQueuedRequests: number
    /** Most sessions that are sent pieces at a time; the others are choked and take turns. Default 50, everybody. */
    readonly uploadSlots: number
    /** How long a session keeps its upload slot while others wait for one. Default 10 s, as BitTorrent clients do. */
    readonly rotateEvery: Duration.Duration
    /**
     * Whether what is sent to peers beyond the site (`Group`, `Internet`) yields to other traffic on the way. Default true. Within a
     * site nothing yields: there is no thin line to share.
     */
    readonly yields: boolean
    /** How long making a connection may take. Default 5 s. */
    readonly dialTimeout: Duration.Duration
    /** How long the other side may take for its handshake. Default 5 s. */
    readonly handshakeTimeout: Duration.Duration
    /** Silence after which we send a keep-alive. Default 45 s. */
    readonly keepAliveEvery: Duration.Duration
    /** Silence of the peer after which its session ends. Default 150 s: others may send a keep-alive
     * every two minutes, as BitTorrent clients do. */
    readonly idleTimeout: Duration.Duration
    /** How long a message may stand still half-way, theirs or ours, before the session ends. Default 30 s. */
    readonly stallTimeout: Duration.Duration
    /** How long a block that nobody waits for any more may stand still before the session ends: it holds a piece buffer
     * until it is over. Default 5 s. */
    readonly abandonTimeout: Duration.Duration
    /** How often a session looks at its clocks. Default 1 s. */
    readonly watchEvery: Duration.Duration
    /** Most events that wait for the download before they are summed up. Default 1024. */
    readonly maxEvents: number
  }
>()("@piecework/peers/PeerConfig") {}

export const defaults: PeerConfig["Service"] = {
  isNear: () => false,
  self: undefined,
  host: "0.0.0.0",
  port: Peer.defaultPort,
  maxConnections: 50,
  maxHandshakes: 32,
  blockSize: 262_144,
  maxRequests: 64,
  maxQueuedRequests: 128,
  uploadSlots: 50,
  rotateEvery: Duration.seconds(10),
  yields: true,
  dialTimeout: Duration.seconds(5),
  handshakeTimeout: Duration.seconds(5),
  keepAliveEvery: Duration.seconds(45),
  idleTimeout: Duration.seconds(150),
  stallTimeout: Duration.seconds(30),
  abandonTimeout: Duration.seconds(5),
  watchEvery: Duration.seconds(1),
  maxEvents: 1024
}

export const layer = (options?: Partial<PeerConfig["Service"]>): Layer.Layer<PeerConfig> =>
  Layer.succeed(PeerConfig, { ...defaults, ...options })

export const layerConfig: Layer.Layer<PeerConfig, Config.ConfigError> = Layer.effect(
  PeerConfig,
  Effect.gen(function* () {
    return {
      ...defaults,
      host: yield* Config.String("PEER_HOST").pipe(Config.withDefault(defaults.host)),
      port: yield* Config.Port("PEER_PORT").pipe(Config.withDefault(defaults.port)),
      maxConnections: yield* Config.Int("PEER_MAX_CONNECTIONS").pipe(Config.withDefault(defaults.maxConnections))
    }
  })
)
