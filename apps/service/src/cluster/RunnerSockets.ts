/**
 * How the processes of a cluster talk: TLS with the cluster's key, which both sides must have. Whoever does not have it gets
 * through no handshake, so a runner may listen on a network where strangers are. Source: RFC 4279, RFC 5489 (ECDHE_PSK).
 */
import type { Socket } from "node:net"
import * as Tls from "node:tls"
import * as NodeSocket from "@effect/platform-node/NodeSocket"
import * as NodeSocketServer from "@effect/platform-node/NodeSocketServer"
import { Effect, Layer, Redacted, Schedule } from "effect"
import { Runners } from "effect/cluster"
import { RpcClient, RpcSerialization } from "effect/rpc"
import { Socket as EffectSocket, type SocketServer } from "effect/socket"
import type { HostPort } from "./RunnerAddress.ts"

export type Key = Redacted.Redacted<Uint8Array>

/** PSK has forward secrecy in TLS 1.2 with these; Node offers keys of ours for no later version. */
const suites = {
  ciphers: "ECDHE-PSK-CHACHA20-POLY1305",
  minVersion: "TLSv1.2",
  maxVersion: "TLSv1.2"
} as const

const identity = "piecework-cluster"

/** A message between runners is a join, a lease or an answer: the longest is a bitfield of 32 KiB or 255 peers. */
export const serialization = RpcSerialization.layerSchemaBinary({ maxFrameSize: 1_048_576 })

export const server = (
  key: Key,
  { host, port }: HostPort
): Layer.Layer<SocketServer.SocketServer, SocketServer.SocketServerError> =>
  NodeSocketServer.layerTls({
    ...suites,
    host,
    port,
    handshakeTimeout: 5000,
    pskCallback: (_: Tls.TLSSocket, name: string) => (name === identity ? Redacted.value(key) : null)
  })

/** Connects when there is something to say. A runner that is gone is tried again twice a second until it is known to be. */
export const client = (key: Key): Layer.Layer<Runners.RpcClientProtocol, never, RpcSerialization.RpcSerialization> =>
  Layer.effect(
    Runners.RpcClientProtocol,
    Effect.map(RpcSerialization.RpcSerialization, (format) => ({
      codecFor: format.codecFor,
      make: Effect.fnUntraced(function* ({ host, port }) {
        const socket = yield* NodeSocket.fromDuplex(connecting(key, { host, port }), { openTimeout: "1 second" })
        return yield* RpcClient.makeProtocolSocket({ retryPolicy: Schedule.spaced("500 millis") }).pipe(
          Effect.provideService(EffectSocket.Socket, socket),
          Effect.provideService(RpcSerialization.RpcSerialization, format)
        )
      })
    }))
  )

const connecting = (key: Key, { host, port }: HostPort) =>
  Effect.acquireRelease(
    Effect.callback<Socket, EffectSocket.SocketError>((resume) => {
      const socket = Tls.connect({
        ...suites,
        host,
        port,
        pskCallback: () => ({ psk: Redacted.value(key), identity }),
        // There is no certificate: that the other side has the key is all the proof there is.
        checkServerIdentity: () => undefined
      })
      const failed = (cause: Error) => {
        socket.destroy()
        resume(
          Effect.fail(
            new EffectSocket.SocketError({ reason: new EffectSocket.SocketOpenError({ kind: "Unknown", cause }) })
          )
        )
      }
      socket.once("error", failed)
      socket.once("secureConnect", () => {
        socket.off("error", failed)
        // Until the reader of this socket listens, an error would end the process.
        socket.on("error", () => {})
        resume(Effect.succeed(socket))
      })
      return Effect.sync(() => socket.destroy())
    }),
    (socket) => Effect.sync(() => socket.destroySoon())
  )
