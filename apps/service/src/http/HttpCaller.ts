/** Who calls, over HTTP: the address is the socket's, and the service's own URL is the one by which it was reached. */
import { Caller, CallerMiddleware } from "@piecework/cloud/Caller"
import { EndpointUrl, Ip } from "@piecework/cloud/Fields"
import { anonymous } from "@piecework/cloud/Identity"
import { Context, Effect, Layer, Option, Schema } from "effect"
import { HttpServerRequest } from "effect/http"

export interface Options {
  /** URL that clients are told, without a slash at the end; absent means it is made of the Host header. */
  readonly publicUrl: string | undefined
  /** Addresses of reverse proxies, whose word is taken for where a request came from (X-Forwarded-For). */
  readonly proxies: ReadonlyArray<string>
}

/** Who sent a request, for routes that are no RPCs. */
export class Callers extends Context.Service<
  Callers,
  { readonly of: (request: HttpServerRequest.HttpServerRequest) => Effect.Effect<Caller["Service"]> }
>()("@piecework/service/Callers") {}

export const layer = (options: Options): Layer.Layer<CallerMiddleware | Callers> =>
  Layer.provideMerge(middleware, Layer.succeed(Callers, { of: callerOf(options) }))

const middleware = Layer.effect(
  CallerMiddleware,
  Effect.map(
    Callers,
    (callers) => (effect) =>
      Effect.flatMap(Effect.serviceOption(HttpServerRequest.HttpServerRequest), (request) =>
        Option.isNone(request)
          ? Effect.die("a call that came over no HTTP request")
          : Effect.provideServiceEffect(effect, Caller, callers.of(request.value))
      )
  )
)

const callerOf = ({ proxies, publicUrl }: Options): Callers["Service"]["of"] => {
  const trusted = new Set(proxies)
  return ({ headers, remoteAddress }) =>
    Effect.sync(() => {
      const socketIp = withoutMapping(Option.getOrElse(remoteAddress, () => "127.0.0.1"))
      return {
        externalIp: originOf(socketIp, headers["x-forwarded-for"], trusted),
        baseUrl: publicUrl ?? baseOf(headers["host"]),
        identity: anonymous
      }
    })
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
