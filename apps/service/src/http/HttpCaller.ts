/** Who calls, over HTTP: the address is the socket's, and the service's own URL is the one by which it was reached. */
import { Caller, CallerMiddleware } from "@piecework/cloud/Caller"
import { EndpointUrl, Ip } from "@piecework/cloud/Fields"
import { anonymous } from "@piecework/cloud/Identity"
import { Effect, Layer, Option, Schema } from "effect"
import { HttpServerRequest } from "effect/http"

export interface Options {
  /** URL that clients are told, without a slash at the end; absent means it is made of the Host header. */
  readonly publicUrl: string | undefined
  /** Addresses of reverse proxies, whose word is taken for where a request came from (X-Forwarded-For). */
  readonly proxies: ReadonlyArray<string>
}

export const layer = ({ proxies, publicUrl }: Options): Layer.Layer<CallerMiddleware> => {
  const trusted = new Set(proxies)
  return Layer.succeed(CallerMiddleware, (effect) =>
    Effect.flatMap(Effect.serviceOption(HttpServerRequest.HttpServerRequest), (request) => {
      if (Option.isNone(request)) return Effect.die("a call that came over no HTTP request")
      const { headers, remoteAddress } = request.value
      const socketIp = withoutMapping(Option.getOrElse(remoteAddress, () => "127.0.0.1"))
      return Effect.provideService(effect, Caller, {
        externalIp: originOf(socketIp, headers["x-forwarded-for"], trusted),
        baseUrl: publicUrl ?? baseOf(headers["host"]),
        identity: anonymous
      })
    })
  )
}

/** Each proxy adds the address that it was called from at the end; the last one that is no proxy of ours is the caller's. */
const originOf = (socketIp: string, forwardedFor: string | undefined, trusted: ReadonlySet<string>): string => {
  if (!trusted.has(socketIp)) return socketIp
  const hops = (forwardedFor ?? "").split(",").map((hop) => withoutMapping(hop.trim()))
  const origin = hops.findLast((hop) => !trusted.has(hop))
  return origin !== undefined && isIp(origin) ? origin : socketIp
}

const isIp = Schema.is(Ip)

/** An IPv4 address that a dual-stack socket shows as IPv6. */
const withoutMapping = (ip: string): string => ip.replace(/^::ffff:(?=\d+\.)/i, "")

const isEndpoint = Schema.is(EndpointUrl)

/**
 * Only the asker is told what it said, so a Host header that lies harms nobody else; one that is no host and port leaves
 * the asker with a URL that does not resolve.
 */
const baseOf = (host: string | undefined): string => {
  const url = `http://${host ?? ""}`
  return host !== undefined && /^[\w.:[\]-]{1,255}$/.test(host) && isEndpoint(url) ? url : "http://unknown.invalid"
}
