/**
 * The front of a cache server: HTTP and HTTPS on TCP ports, for clients that name an origin's file in either form (`RequestForm`). Each
 * request is one fiber, which ends when its client goes away.
 */
import { randomBytes } from "node:crypto"
import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from "node:http"
import { createServer as createTlsServer, type Server as TlsServer } from "node:https"
import type { AddressInfo, Socket } from "node:net"
import type { Fills } from "@piecework/fills/Fills"
import { Effect, type Fiber, FiberSet, Schema, type Scope } from "effect"
import { CacheNodeConfig } from "./CacheNodeConfig.ts"
import * as Exchange from "./Exchange.ts"
import { Figures } from "./Figures.ts"
import * as Refusal from "./Refusal.ts"

export class CacheNodeError extends Schema.TaggedError<CacheNodeError>()("CacheNodeError", {
  host: Schema.String,
  port: Schema.Natural,
  /** The system's, or of a certificate that cannot be used. */
  code: Schema.String
}) {
  override get message(): string {
    const at = `${this.host}:${this.port}`
    return this.code === "EADDRINUSE"
      ? `The cache server cannot listen on ${at}: the port is in use.`
      : `The cache server cannot listen on ${at} (${this.code}).`
  }
}

/** PEM. */
export interface Certificate {
  readonly key: string | Uint8Array
  readonly cert: string | Uint8Array
}

export interface CacheNodeOptions {
  /** Address to listen on. Default `::`, which is all of the machine's, IPv4 included. */
  readonly host?: string | undefined
  /** Of plain HTTP; `undefined`: none. 0 is any that is free. */
  readonly port?: number | undefined
  /** Of HTTPS; `undefined`: none. */
  readonly tls?: (Certificate & { readonly port: number }) | undefined
}

export interface Listening {
  readonly host: string
  /** `undefined` where it does not listen. */
  readonly port: number | undefined
  readonly tlsPort: number | undefined
  /** Takes another certificate for connections from now on. */
  readonly renew: (certificate: Certificate) => Effect.Effect<void, CacheNodeError>
  /** Bytes of answers in memory that clients have not taken yet. */
  readonly buffered: () => number
}

/**
 * Answers its addresses. It serves until the scope closes. A `Contents` (of the proxy) and a `PieceCache` in the context are used, and the
 * drives of an `Objects` are told of in `/health`.
 */
export const serve = Effect.fn("CacheNode.serve")(function* (
  options: CacheNodeOptions
): Effect.fn.Return<Listening, CacheNodeError, CacheNodeConfig | Fills | Figures | Scope.Scope> {
  const { host = "::", port, tls } = options
  const config = yield* CacheNodeConfig
  const figures = yield* Figures
  const pseudonym = config.pseudonym ?? `piecework-${randomBytes(4).toString("hex")}`
  const { buffers, exchange } = yield* Exchange.make({ pseudonym })
  const run = yield* FiberSet.makeRuntime<never>()

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const broken = () => Refusal.send(response, 500, "The request broke down here.", config)
    const fiber: Fiber.Fiber<void> = run(
      Effect.catchDefect(exchange(request, response), (defect) =>
        Effect.andThen(Effect.logError("A request to the cache server broke down.", defect), Effect.sync(broken))
      )
    )
    response.once("close", () => fiber.interruptUnsafe())
  }

  const settings: ServerOptions = {
    maxHeaderSize: 32_768,
    headersTimeout: config.headMillis,
    requestTimeout: 0,
    keepAliveTimeout: config.keepMillis,
    connectionsCheckingInterval: Math.max(100, Math.min(5000, config.headMillis / 3)),
    noDelay: true
  }

  const open = <S extends Server | TlsServer>(make: () => S) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        const server = make()
        server.maxConnections = config.maxConnections
        server.timeout = config.idleMillis
        server.on("connection", (socket: Socket) => {
          figures.connected()
          socket.once("close", figures.disconnected)
        })
        server.on("connect", (_, socket) => {
          socket.on("error", () => undefined)
          socket.resume()
          socket.end(Refusal.raw(405, "Method Not Allowed", notHere, config))
        })
        server.on("clientError", (_, socket) => {
          // On a connection on which an answer is under way this would be taken for a part of it.
          if (!socket.writable || ("bytesWritten" in socket && Number(socket.bytesWritten) > 0)) return socket.destroy()
          socket.end(Refusal.raw(400, "Bad Request", "The request cannot be read.", config))
        })
        return server
      }),
      (server) =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    )

  const plain = port === undefined ? undefined : yield* open(() => createServer(settings, answer))
  const plainPort = plain === undefined || port === undefined ? undefined : yield* listen(plain, host, port)
  const secure =
    tls === undefined
      ? undefined
      : yield* Effect.catchDefect(
          open(() => createTlsServer({ ...settings, ...pem(tls), ALPNProtocols: ["http/1.1"] }, answer)),
          (defect) => Effect.fail(new CacheNodeError({ host, port: tls.port, code: codeOf(defect) }))
        )
  const tlsPort = secure === undefined || tls === undefined ? undefined : yield* listen(secure, host, tls.port)
  return {
    host,
    port: plainPort,
    tlsPort,
    renew: (certificate) =>
      Effect.try({
        try: () => secure?.setSecureContext(pem(certificate)),
        catch: (cause) => new CacheNodeError({ host, port: tlsPort ?? 0, code: codeOf(cause) })
      }),
    buffered: () => buffers.used
  }
})

const notHere = "This is a cache server: it answers GET and HEAD."

const pem = ({ cert, key }: Certificate) => ({ cert: Buffer.from(cert), key: Buffer.from(key) })

const codeOf = (cause: unknown): string => {
  const { code, message }: { code?: unknown; message?: unknown } = Object(cause)
  return String(code ?? message ?? cause)
}

const listen = (server: Server | TlsServer, host: string, port: number): Effect.Effect<number, CacheNodeError> =>
  Effect.callback((resume) => {
    const failed = (error: NodeJS.ErrnoException) =>
      resume(Effect.fail(new CacheNodeError({ host, port, code: error.code ?? error.message })))
    server.once("error", failed)
    server.listen(port, host, () => {
      server.off("error", failed)
      resume(Effect.succeed((server.address() as AddressInfo).port))
    })
  })
