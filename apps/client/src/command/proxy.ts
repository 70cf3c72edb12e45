/** What the agent's command line says of the HTTP proxy, and its start. What it needs is loaded by an agent that has one. */
import type { DownloadMode } from "@piecework/domain/DownloadMode"
import * as Proxies from "@piecework/sources/Proxies"
import { zoneOf } from "@piecework/sources/ReservedAddress"
import { Failure } from "@piecework/terminal/Failure"
import { Config, Effect, Layer, Option, Result } from "effect"
import { Flag } from "effect/cli"
import { exitCodes } from "../ExitCode.ts"

export interface Place {
  readonly host: string
  readonly port: number
}

/** Source: docs/proxy.md. */
const usual = { host: "127.0.0.1", port: 7681 } as const satisfies Place

/** Of "127.0.0.1:7681", "[::1]:7681", ":7681" or "7681"; an address without a port has the usual one. */
export const parse = (text: string): Result.Result<Place, string> => {
  const parts = /^(?:(?<host>\[[0-9a-f:.]+\]|[^:[\]/\s]+))?(?::(?<port>\d{1,5}))?$/i.exec(
    /^\d{1,5}$/.test(text) ? `:${text}` : text
  )
  const port = Number(parts?.groups?.["port"] ?? usual.port)
  if (parts === null || text === "" || port > 65_535) {
    return Result.fail(`"${text}" is no address to listen on; give one like 127.0.0.1:7681.`)
  }
  return Result.succeed({ host: parts.groups?.["host"]?.replace(/^\[(.*)\]$/, "$1") ?? usual.host, port })
}

export const flags = {
  proxy: Flag.String("proxy").pipe(
    Flag.withDescription(
      "serve as an HTTP proxy there, as in 127.0.0.1:7681: contents that the service knows come from the swarm, all else passes through"
    ),
    Flag.withMetavar("ADDRESS:PORT"),
    Flag.withFallbackConfig(Config.String("PIECEWORK_PROXY")),
    Flag.filterMap(
      (text) => Result.getSuccess(parse(text)),
      (text) => `"${text}" is no address to listen on; give one like 127.0.0.1:7681`
    ),
    Flag.optional
  )
}

export interface Input {
  readonly proxy: Option.Option<Place>
}

/** The environment without what names this very proxy, as it may where all of a machine is to use it: it would ask itself. */
export const environmentOf = ({ proxy }: Input, environment: Environment): Environment => {
  if (Option.isNone(proxy)) return environment
  const { host, port } = proxy.value
  const isOwn = (value: string | undefined) => {
    const named = value === undefined ? "" : Proxies.parse(value)
    return (
      typeof named === "object" && named.port === port && (named.host === host || zoneOf(named.host) === "Loopback")
    )
  }
  return Object.fromEntries(
    Object.entries(environment).filter(([name, value]) => !/^(?:all|http|https)_proxy$/i.test(name) || !isOwn(value))
  )
}

type Environment = Readonly<Record<string, string | undefined>>

/** Answers where it listens, "HOST:PORT"; `undefined` when nobody wants it. */
export const serve = Effect.fnUntraced(function* ({ proxy }: Input, mode: Effect.Effect<DownloadMode>) {
  if (Option.isNone(proxy)) return undefined
  const { ProxyConfig, ProxyServer, SwarmContents } = yield* Effect.promise(() => import("@piecework/proxy"))
  const services = yield* Layer.build(
    Layer.merge(
      SwarmContents.layer(mode),
      ProxyConfig.layer({ proxies: Proxies.fromEnvironment(environmentOf({ proxy }, process.env)) })
    )
  )
  const { host, port } = yield* ProxyServer.serve(proxy.value).pipe(
    Effect.provide(services),
    Effect.mapError(
      (error) =>
        new Failure({
          sentence: error.message,
          code: error.code === "EADDRINUSE" ? exitCodes.portInUse : exitCodes.address
        })
    )
  )
  return `${host.includes(":") ? `[${host}]` : host}:${port}`
})
