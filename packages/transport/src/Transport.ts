/** Byte streams between hosts: dialling and listening. */
import type { PeerAddress } from "@piecework/domain/Peer"
import { Context, type Duration, Effect, Layer, type Scope } from "effect"
import type { ByteStream, TransportError } from "./ByteStream.ts"

export interface DialOptions {
  /** A name or an address, without brackets. */
  readonly host: string
  readonly port: number
  /** Longest time until the stream can be used, name look-up and TLS included. Default 15 s. Source: spec.md §3.4. */
  readonly timeout?: Duration.Input | undefined
  /** Encrypts the stream and checks that the certificate is `servername`'s. */
  readonly tls?: { readonly servername: string } | undefined
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
  static readonly layer: Layer.Layer<Transport> = Layer.effect(Transport, Effect.die(new Error("under construction")))

  /** One machine in memory: every host that is dialled is this one, without latency. */
  static readonly layerMemory: Layer.Layer<Transport> = Layer.effect(
    Transport,
    Effect.die(new Error("under construction"))
  )
}
