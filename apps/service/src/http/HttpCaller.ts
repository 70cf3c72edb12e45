/** Who calls, over HTTP: the address is the socket's, and the service's own URL is the one by which it was reached. */
import { Caller, CallerMiddleware } from "@piecework/cloud/Caller"
import { EndpointUrl } from "@piecework/cloud/Fields"
import { Effect, Layer, Option, Schema } from "effect"
import { HttpServerRequest } from "effect/http"

/** `publicUrl` is the URL that clients are told, without a slash at the end; when absent it is made of the Host header. */
export const layer = (publicUrl: string | undefined): Layer.Layer<CallerMiddleware> =>
  Layer.succeed(CallerMiddleware, (effect) =>
    Effect.flatMap(Effect.serviceOption(HttpServerRequest.HttpServerRequest), (request) => {
      if (Option.isNone(request)) return Effect.die("a call that came over no HTTP request")
      const { headers, remoteAddress } = request.value
      return Effect.provideService(effect, Caller, {
        externalIp: withoutMapping(Option.getOrElse(remoteAddress, () => "127.0.0.1")),
        baseUrl: publicUrl ?? baseOf(headers["host"])
      })
    })
  )

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
