/**
 * A network in memory: machines with names, and lines between them that have latency and a rate under Effect's Clock.
 * Each machine has a `Transport` of its own, so each client of a test has its own address.
 */
import { Context, type Duration, Effect, Layer } from "effect"
import { Network } from "./internal/memory.ts"
import { Transport } from "./Transport.ts"

/** A line that carries so many bytes a second, shared by everything that goes over it. */
export interface Line {
  readonly bytesPerSecond: number
}

export const line = (bytesPerSecond: number): Line => ({ bytesPerSecond })

/** How bytes get from one machine to another. */
export interface Link {
  /** From the end of sending to the arrival. Default 0. */
  readonly latency?: Duration.Input | undefined
  /** The lines on the way, in order; the same `Line` in several links is shared. Default: none, so no limit. */
  readonly lines?: ReadonlyArray<Line> | undefined
}

export interface Options {
  /** The link in one direction; asked once for each connection and direction. Default: no latency, no limit. */
  readonly link?: ((from: string, to: string) => Link) | undefined
}

export class MemoryNetwork extends Context.Service<
  MemoryNetwork,
  {
    /** The transport of the machine with this name (at most 45 characters). */
    readonly transport: (host: string) => Transport["Service"]
    /** Nothing goes to or from the machine any more: dialling times out, streams stand still until `restore`. */
    readonly cut: (host: string) => Effect.Effect<void>
    readonly restore: (host: string) => Effect.Effect<void>
    /** Every stream of the machine breaks with `Reset`, at both ends. */
    readonly reset: (host: string) => Effect.Effect<void>
  }
>()("@piecework/transport/MemoryNetwork") {
  /** Time is that of the clock in whose context the layer is built. */
  static readonly layer = (options?: Options): Layer.Layer<MemoryNetwork> =>
    Layer.effect(
      MemoryNetwork,
      Effect.map(Network.make({ link: options?.link ?? (() => ({})), everyHost: false }), (network) => ({
        transport: (host) => network.transport(host),
        cut: (host) => Effect.sync(() => network.cut(host)),
        restore: (host) => Effect.sync(() => network.restore(host)),
        reset: (host) => Effect.sync(() => network.reset(host))
      }))
    )
}

/** The transport of one machine in the network. */
export const layerTransport = (host: string): Layer.Layer<Transport, never, MemoryNetwork> =>
  Layer.effect(
    Transport,
    MemoryNetwork.useSync((network) => network.transport(host))
  )
