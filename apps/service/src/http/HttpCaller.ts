/**
 * Who calls, over HTTP: the address is the socket's, the service's own URL is the one by which it was reached, and the identity is
 * what the token in the request proves. `Entrance` finds it out once a request; roles get it by the middleware here.
 */
import { Caller, CallerMiddleware } from "@piecework/cloud/Caller"
import { EndpointUrl, Ip } from "@piecework/cloud/Fields"
import { isLoopback } from "@piecework/trust/Admission"
import { Effect, Layer, Option, Schema } from "effect"
import * as Proxies from "./Proxies.ts"

export interface Options {
  /** URL that clients are told, without a slash at the end; absent means it is made of the Host header. */
  readonly publicUrl: string | undefined
  /**
   * Addresses and networks of reverse proxies, whose word is taken for where a request came from (X-Forwarded-For), and for
   * whether it came there by HTTPS (X-Forwarded-Proto).
   */
  readonly proxies: ReadonlyArray<string>
  /** Whether the service itself speaks HTTPS. */
  readonly isSecure: boolean
}

/** Hands what `Entrance` found to the roles. */
export const layer: Layer.Layer<CallerMiddleware> = Layer.succeed(CallerMiddleware, (effect) =>
  Effect.flatMap(Effect.serviceOption(Caller), (caller) =>
    Option.isNone(caller)
      ? Effect.die("a call that did not come in by the entrance")
      : Effect.provideService(effect, Caller, caller.value)
  )
)

/** Where a request comes from, by its socket and by what proxies of ours say. */
export interface Origin {
  readonly externalIp: string
  readonly baseUrl: string
  readonly isEncrypted: boolean
  /** Nobody on the way could read it: HTTPS as far as is known, or this machine itself. */
  readonly isPrivate: boolean
}

type Header = string | ReadonlyArray<string> | undefined

/** Of the address of its socket, "127.0.0.1" when there is none, and its headers. */
export const originOf = ({ isSecure, proxies, publicUrl }: Options) => {
  const trusted = Proxies.make(proxies)
  return (socketAddress: string | undefined, headers: { readonly [name: string]: Header }): Origin => {
    const socketIp = withoutMapping(socketAddress ?? "127.0.0.1")
    const isProxied = trusted.has(socketIp)
    const externalIp = isProxied ? farthest(socketIp, headers["x-forwarded-for"]?.toString(), trusted) : socketIp
    // A proxy may add its word behind one that the caller made up.
    const scheme = isProxied
      ? headers["x-forwarded-proto"]?.toString().split(",").at(-1)?.trim().toLowerCase()
      : undefined
    const isEncrypted = scheme === undefined ? isSecure : scheme === "https"
    return {
      externalIp,
      baseUrl: publicUrl ?? baseOf(headers["host"]?.toString(), isEncrypted ? "https" : "http"),
      isEncrypted,
      isPrivate: isEncrypted || isLoopback(externalIp)
    }
  }
}

/** The address of a caller, from that of its socket and the header by which proxies pass it on. */
export const externalIpOf = (proxies: ReadonlyArray<string>) => {
  const trusted = Proxies.make(proxies)
  return (socketAddress: string, forwardedFor: string | undefined): string => {
    const socketIp = withoutMapping(socketAddress)
    return trusted.has(socketIp) ? farthest(socketIp, forwardedFor, trusted) : socketIp
  }
}

/** Each proxy adds the address that it was called from at the end; the last one that is no proxy of ours is the caller's. */
const farthest = (socketIp: string, forwardedFor: string | undefined, trusted: Proxies.Proxies): string => {
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
const baseOf = (host: string | undefined, scheme: "http" | "https"): string => {
  const url = `${scheme}://${host ?? ""}`
  return host !== undefined && /^[\w.:[\]-]{1,255}$/.test(host) && isEndpoint(url) ? url : "http://unknown.invalid"
}
