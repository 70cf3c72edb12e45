/**
 * Connections to servers, kept for the next request. An idle connection is watched: when the server ends it, or says
 * something nobody asked for, it goes.
 */
import { Shaper } from "@piecework/shaping/Shaper"
import { Transport, type Through, type TlsOptions } from "@piecework/transport/Transport"
import { TransportError } from "@piecework/transport/ByteStream"
import { type Duration, Effect, Fiber, Scope } from "effect"
import { HttpClientConfig } from "../HttpClientConfig.ts"
import type { Proxy } from "../Proxies.ts"
import { Connection } from "./Connection.ts"
import * as RequestHead from "./RequestHead.ts"

interface Idle {
  readonly connection: Connection
  readonly watcher: Fiber.Fiber<unknown, unknown>
}

/** The way to a server. */
export interface Way {
  readonly url: URL
  /** The proxy on it. */
  readonly proxy: Proxy | undefined
  /** Addresses that the server must not have; where there is a proxy it is the one who knows them. */
  readonly bars: (address: string) => boolean
  /** Longest time to connect. Default what the settings say. */
  readonly connectTimeout?: Duration.Duration | undefined
}

export interface ConnectionPool {
  /** A connection to the URL's server, an idle one unless `fresh`. The caller gives it back or closes it. */
  readonly take: (way: Way, fresh: boolean) => Effect.Effect<Connection, ProxyRefusal | TransportError>
  /** Keeps a connection on which nothing is under way. */
  readonly giveBack: (connection: Connection) => Effect.Effect<void>
}

export const make: Effect.Effect<ConnectionPool, never, Transport | HttpClientConfig | Scope.Scope> = Effect.gen(
  function* () {
    const transport = yield* Transport
    const config = yield* HttpClientConfig
    const shaper = yield* Shaper
    const owner = yield* Effect.scope
    const idle = new Map<string, Array<Idle>>()

    const isIdle = (connection: Connection) =>
      (idle.get(connection.key) ?? []).some((one) => one.connection === connection)

    const forget = (connection: Connection) => {
      const left = (idle.get(connection.key) ?? []).filter((one) => one.connection !== connection)
      if (left.length === 0) idle.delete(connection.key)
      else idle.set(connection.key, left)
    }

    const dial = (way: Way) =>
      Effect.gen(function* () {
        const { bars, connectTimeout = config.connectTimeout, proxy, url } = way
        const scope = yield* Scope.fork(owner)
        const isSecure = url.protocol === "https:"
        // IPv6 addresses have brackets in URLs only.
        const host = url.hostname.replace(/^\[(.*)\]$/, "$1")
        const port = url.port === "" ? (isSecure ? 443 : 80) : Number(url.port)
        /** The status with which the proxy answered; 0 for none. */
        let refusal = 0
        const through: Through | undefined =
          proxy === undefined
            ? undefined
            : {
                request: RequestHead.connect(url, proxy, config.userAgent),
                accepts: (answer) => {
                  refusal = statusOf(answer)
                  return refusal >= 200 && refusal < 300
                }
              }
        const tls: TlsOptions | undefined = isSecure
          ? { servername: host, certificates: config.certificatesOf?.get(url.origin) ?? config.certificates, through }
          : undefined
        const place = proxy ?? { host, port, bars }
        const dialling = Effect.mapError(transport.dial({ ...place, tls, timeout: connectTimeout }), (error) =>
          error.reason === "NotLetThrough" && refusal > 0 ? new ProxyRefusal(refusal) : error
        )
        const stream = yield* Scope.provide(dialling, scope).pipe(
          Effect.onExit((exit) => (exit._tag === "Failure" ? Scope.close(scope, exit) : Effect.void))
        )
        const flow = shaper.flow({ stream, kind: "Origin", priority: "Foreground" })
        yield* Scope.addFinalizer(scope, Effect.sync(flow.close))
        return new Connection(keyOf(way), stream, flow, scope)
      })

    /** Waits for what an idle connection should not do, or for too long, and ends it then. */
    const watch = (connection: Connection) =>
      connection.stream.fill(new Uint8Array(1)).pipe(
        Effect.timeout(config.idleTimeout),
        Effect.exit,
        Effect.andThen(
          Effect.suspend(() => {
            if (!isIdle(connection)) return Effect.void
            forget(connection)
            return Effect.forkIn(connection.close, owner)
          })
        )
      )

    return {
      take: (way, fresh) =>
        Effect.suspend((): Effect.Effect<Connection, ProxyRefusal | TransportError> => {
          const kept = fresh ? undefined : idle.get(keyOf(way))?.at(-1)
          if (kept === undefined) return Effect.interruptible(dial(way))
          const { host } = kept.connection.stream.remote
          // It was made for whoever gave that URL himself.
          if (way.proxy === undefined && way.bars(host)) return Effect.fail(barred(way.url.host))
          forget(kept.connection)
          return Effect.as(Fiber.interrupt(kept.watcher), kept.connection)
        }).pipe(Effect.uninterruptible),
      giveBack: (connection) =>
        Effect.gen(function* () {
          const others = idle.get(connection.key) ?? []
          if (connection.unread > 0 || others.length >= config.maxIdle) return yield* connection.close
          const watcher = yield* connection.fork(watch(connection))
          idle.set(connection.key, [...others, { connection, watcher }])
        }).pipe(Effect.uninterruptible)
    }
  }
)

/** A proxy takes requests for all http servers over one connection. */
const keyOf = ({ proxy, url }: Way): string => {
  if (proxy === undefined) return `${url.protocol}//${url.host}`
  const to = url.protocol === "https:" ? ` ${url.host}` : ""
  return `proxy ${proxy.host}:${proxy.port}${to}`
}

/** The proxy answered with another status than one that opens the way. */
export class ProxyRefusal extends Error {
  readonly status: number

  constructor(status: number) {
    super(`it answers HTTP ${status}`)
    this.status = status
  }
}

/** 0 when it is none. */
const statusOf = (answer: string): number => Number(/^HTTP\/1\.[01] ([1-5]\d\d)[ \r]/.exec(answer)?.[1] ?? 0)

const barred = (address: string) => new TransportError({ operation: "dial", address, reason: "Barred" })
