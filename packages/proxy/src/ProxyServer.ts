/**
 * The HTTP proxy on a TCP port: a GET of a content that the service knows is answered with verified bytes while they arrive, all else passes
 * through. Each request is one fiber, which ends when its client goes away.
 */
import { randomBytes } from "node:crypto"
import { createServer, type IncomingMessage, type Server } from "node:http"
import { type AddressInfo, Socket } from "node:net"
import type { Duplex } from "node:stream"
import type { HttpClient } from "@piecework/sources/HttpClient"
import { Effect, type Fiber, FiberSet, Result, Schema, type Scope } from "effect"
import * as Callers from "./Callers.ts"
import type { Contents } from "./Contents.ts"
import * as Destination from "./Destination.ts"
import * as Exchange from "./Exchange.ts"
import { ProxyConfig } from "./ProxyConfig.ts"
import * as Refusal from "./Refusal.ts"
import * as Target from "./Target.ts"
import * as Tunnel from "./Tunnel.ts"

export class ProxyServerError extends Schema.TaggedError<ProxyServerError>()("ProxyServerError", {
  host: Schema.String,
  port: Schema.Natural,
  /** The system's. */
  code: Schema.String
}) {
  override get message(): string {
    const at = `${this.host}:${this.port}`
    return this.code === "EADDRINUSE"
      ? `The proxy cannot listen on ${at}: the port is in use.`
      : `The proxy cannot listen on ${at} (${this.code}).`
  }
}

export interface ProxyServerOptions {
  /** Address to listen on; on one beyond loopback other devices are served as well. Default 127.0.0.1. */
  readonly host?: string | undefined
  /** Default 7681; 0 is any that is free. */
  readonly port?: number | undefined
}

export const usualPort = 7681

export interface Listening {
  readonly host: string
  readonly port: number
}

/** Answers its address. It serves until the scope closes. */
export const serve = Effect.fn("ProxyServer.serve")(function* (
  options: ProxyServerOptions = {}
): Effect.fn.Return<Listening, ProxyServerError, Contents | HttpClient | ProxyConfig | Scope.Scope> {
  const { host = "127.0.0.1", port = usualPort } = options
  const config = yield* ProxyConfig
  const isForAll = host !== "localhost" && !Destination.isLoopback(host)
  const pseudonym = `piecework-${randomBytes(4).toString("hex")}`
  const exchange = yield* Exchange.make({ pseudonym, isForAll })
  const run = yield* FiberSet.makeRuntime<ProxyConfig>()
  const tunnels = new Set<Duplex>()

  /** For as long as the connection is open. */
  const whileOpen = (
    effect: Effect.Effect<void, never, ProxyConfig>,
    connection: NodeJS.EventEmitter,
    broken: () => void
  ): void => {
    const fiber: Fiber.Fiber<void> = run(
      Effect.catchDefect(effect, (defect) =>
        Effect.andThen(Effect.logError("A request to the proxy broke down.", defect), Effect.sync(broken))
      )
    )
    connection.once("close", () => fiber.interruptUnsafe())
  }

  const tunnel = (request: IncomingMessage, client: Duplex, head: Buffer): void => {
    tunnels.add(client)
    client.once("close", () => tunnels.delete(client))
    // Who breaks off wants no answer.
    client.on("error", () => undefined)
    // The server's limit for silence ended with the request.
    if (client instanceof Socket) client.setTimeout(config.idleMillis, () => client.destroy())
    const refuse = (status: number, reason: string, sentence: string) => {
      // What it says all the same is let fall, so that its end is heard.
      client.resume()
      client.end(Refusal.raw(status, reason, sentence))
    }
    const isOwn = Callers.isOfThisDevice(request)
    if (!isOwn && !isForAll) return refuse(403, "Forbidden", "This proxy serves programs of its own device only.")
    const to = Target.parseAuthority(request.url ?? "")
    if (Result.isFailure(to)) return refuse(400, "Bad Request", to.failure.message)
    const joined = Effect.gen(function* () {
      const far = yield* Tunnel.open(to.success, isOwn ? "All" : "BeyondThisDevice")
      client.write("HTTP/1.1 200 Connection Established\r\n\r\n")
      yield* Tunnel.join(client, head, far)
    })
    whileOpen(
      Effect.scoped(joined).pipe(
        Effect.catch(({ message, reason }) => Effect.sync(() => refuse(...said[reason], message)))
      ),
      client,
      () => client.destroy()
    )
  }

  const server = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const made = createServer(
        { maxHeaderSize: 65_536, headersTimeout: 15_000, requestTimeout: 0, keepAliveTimeout: 60_000, noDelay: true },
        (request, response) =>
          whileOpen(exchange(request, response), response, () =>
            Refusal.send(response, 500, "The request broke down here.")
          )
      )
      made.maxConnections = config.maxConnections
      made.timeout = config.idleMillis
      made.on("connect", tunnel)
      made.on("clientError", (_, socket) => {
        // On a connection on which an answer is under way this would be taken for a part of it.
        if (!socket.writable || ("bytesWritten" in socket && Number(socket.bytesWritten) > 0)) return socket.destroy()
        socket.end(Refusal.raw(400, "Bad Request", "The request cannot be read."))
      })
      return made
    }),
    (made) =>
      Effect.callback<void>((resume) => {
        made.close(() => resume(Effect.void))
        made.closeAllConnections()
        for (const client of tunnels) client.destroy()
      })
  )
  return yield* listen(server, host, port)
})

/** What a client of a tunnel is told. */
const said: { readonly [R in Tunnel.TunnelError["reason"]]: readonly [status: number, reason: string] } = {
  Port: [403, "Forbidden"],
  Address: [403, "Forbidden"],
  TimedOut: [504, "Gateway Timeout"],
  Unreachable: [502, "Bad Gateway"]
}

const listen = (server: Server, host: string, port: number): Effect.Effect<Listening, ProxyServerError> =>
  Effect.callback((resume) => {
    const failed = (error: NodeJS.ErrnoException) =>
      resume(Effect.fail(new ProxyServerError({ host, port, code: error.code ?? error.message })))
    server.once("error", failed)
    server.listen(port, host, () => {
      server.off("error", failed)
      resume(Effect.succeed({ host, port: (server.address() as AddressInfo).port }))
    })
  })
