/** Byte streams between hosts: dialling and listening. */
import type { PeerAddress } from "@piecework/domain/Peer"
import { Context, type Duration, Effect, Layer, type Scope } from "effect"
import type { ByteStream, TransportError } from "./ByteStream.ts"
import { Network } from "./internal/memory.ts"
import * as Tcp from "./internal/tcp.ts"

export interface DialOptions {
  /** A name or an address, without brackets. */
  readonly host: string
  readonly port: number
  /** Longest time until the stream can be used, name look-up and TLS included, in turns of the process (`Patience`). Default 15 s. Source: spec.md §3.4. */
  readonly timeout?: Duration.Input | undefined
  /** Encrypts the stream. */
  readonly tls?: TlsOptions | undefined
  /** Addresses that must not be connected to, whatever the name of the host is: nothing is sent there. Default: none. */
  readonly bars?: ((address: string) => boolean) | undefined
}

export interface TlsOptions {
  /** The name or address that the certificate must be for. */
  readonly servername: string
  /** Certificates in PEM that are trusted in place of the usual authorities. */
  readonly certificates?: ReadonlyArray<string> | undefined
  /** The host that is dialled only passes the encrypted stream on, once it was asked to. */
  readonly through?: Through | undefined
}

/** How a server between here and there is asked to pass a stream on. */
export interface Through {
  readonly request: Uint8Array
  /** Whether its answer, up to and with the first blank line, means that the stream goes on to the other side. */
  readonly accepts: (answer: string) => boolean
}

export interface ListenOptions {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** Connections at the same time; more are closed at once. Default: no limit. */
  readonly maxConnections?: number | undefined
}

export class Transport extends Context.Service<
  Transport,
  {
    /** The stream closes with the scope. */
    readonly dial: (options: DialOptions) => Effect.Effect<ByteStream, TransportError, Scope.Scope>
    /**
     * Runs `handler` in a fiber per connection, all owned by the scope; a stream closes when its handler ends. Answers
     * where it listens.
     */
    readonly listen: <R>(
      options: ListenOptions,
      handler: (stream: ByteStream) => Effect.Effect<void, never, R>
    ) => Effect.Effect<PeerAddress, TransportError, R | Scope.Scope>
  }
>()("@piecework/transport/Transport") {
  /** TCP and TLS of this machine. */
  static readonly layer: Layer.Layer<Transport> = Layer.succeed(Transport, {
    dial: Tcp.dial,
    listen: (options, handler) => Tcp.listen(options, handler)
  })

  /**
   * One machine in memory that answers to every name, without latency: dialling any host and port reaches who listens
   * on them, or on the port at `0.0.0.0`. For machines that are apart see `MemoryNetwork`.
   */
  static readonly layerMemory: Layer.Layer<Transport> = Layer.effect(
    Transport,
    Effect.map(Network.make({ link: () => ({}), everyHost: true }), (network) => network.transport("127.0.0.1"))
  )
}
