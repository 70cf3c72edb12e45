/**
 * Connections to servers, kept for the next request. An idle connection is watched: when the server ends it, or says
 * something nobody asked for, it goes.
 */
import { Shaper } from "@piecework/shaping/Shaper"
import { Transport, type TlsOptions } from "@piecework/transport/Transport"
import type { TransportError } from "@piecework/transport/ByteStream"
import { Effect, Fiber, Scope } from "effect"
import { HttpClientConfig } from "../HttpClientConfig.ts"
import { Connection } from "./Connection.ts"

interface Idle {
  readonly connection: Connection
  readonly watcher: Fiber.Fiber<unknown, unknown>
}

export interface ConnectionPool {
  /** A connection to the URL's server, an idle one unless `fresh`. The caller gives it back or closes it. */
  readonly take: (url: URL, fresh: boolean) => Effect.Effect<Connection, TransportError>
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

    const dial = (url: URL) =>
      Effect.gen(function* () {
        const scope = yield* Scope.fork(owner)
        const isSecure = url.protocol === "https:"
        // IPv6 addresses have brackets in URLs only.
        const host = url.hostname.replace(/^\[(.*)\]$/, "$1")
        const port = url.port === "" ? (isSecure ? 443 : 80) : Number(url.port)
        const tls: TlsOptions | undefined = isSecure
          ? { servername: host, certificates: config.certificatesOf?.get(url.origin) ?? config.certificates }
          : undefined
        const dialling = transport.dial({ host, port, tls, timeout: config.connectTimeout })
        const stream = yield* Scope.provide(dialling, scope).pipe(
          Effect.onExit((exit) => (exit._tag === "Failure" ? Scope.close(scope, exit) : Effect.void))
        )
        const flow = shaper.flow({ stream, kind: "Origin", priority: "Foreground" })
        yield* Scope.addFinalizer(scope, Effect.sync(flow.close))
        return new Connection(keyOf(url), stream, flow, scope)
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
      take: (url, fresh) =>
        Effect.suspend(() => {
          const kept = fresh ? undefined : idle.get(keyOf(url))?.at(-1)
          if (kept === undefined) return Effect.interruptible(dial(url))
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

const keyOf = (url: URL): string => `${url.protocol}//${url.host}`
