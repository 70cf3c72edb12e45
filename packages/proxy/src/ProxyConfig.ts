/** Limits of the proxy. */
import * as Proxies from "@piecework/sources/Proxies"
import { Context, type Duration, Layer } from "effect"

export class ProxyConfig extends Context.Service<
  ProxyConfig,
  {
    /** Ports that a client may have a tunnel to. Default 443 alone: with others mail could be sent from here. */
    readonly connectPorts: ReadonlyArray<number>
    /** Contents smaller than this come from their origin, in bytes. Default 10 MB, as of downloads. */
    readonly minContentSize: number
    /**
     * How long a request waits for the service before the origin is asked as well, where that one may have contents. Default 1 s: what
     * the origin sends of a large file until the service has spoken, it sends for nothing, to each device of a site.
     */
    readonly patience: Duration.Input
    /** How long the service may take for a file that is large by what its origin says. Default 3 s. */
    readonly lookupTimeout: Duration.Input
    /** How long the origin may take to say what it has at the URL of a known content; then it is sent without its word. Default 2 s. */
    readonly lookTimeout: Duration.Input
    /** How long it is remembered that the service knows a URL. Default 30 s. */
    readonly knownFor: Duration.Input
    /** … that it does not, or that it could not be asked. Default 10 s. */
    readonly unknownFor: Duration.Input
    /** Most URLs that are remembered. Default 1024. */
    readonly maxRemembered: number
    /** How long a content stays open once nobody reads it, for clients that take it in parts. Default 10 s. */
    readonly openFor: Duration.Input
    /** Longest time to connect to an origin, in milliseconds. Default 15 s. */
    readonly connectMillis: number
    /** How long a connection may be silent while something is under way on it, in milliseconds. Default 15 min. */
    readonly idleMillis: number
    /** Most connections of clients, each of which may hold 1 MiB of what it reads. Default 256. */
    readonly maxConnections: number
    /** Which proxy stands before which origin. Default none; programs read their environment, and leave out this proxy itself. */
    readonly proxies: Proxies.Proxies
  }
>()("@piecework/proxy/ProxyConfig") {}

export const defaults: ProxyConfig["Service"] = {
  connectPorts: [443],
  minContentSize: 10_000_000,
  patience: "1 second",
  lookupTimeout: "3 seconds",
  lookTimeout: "2 seconds",
  knownFor: "30 seconds",
  unknownFor: "10 seconds",
  maxRemembered: 1024,
  openFor: "10 seconds",
  connectMillis: 15_000,
  idleMillis: 900_000,
  maxConnections: 256,
  proxies: Proxies.none
}

export const layer = (options?: Partial<ProxyConfig["Service"]>): Layer.Layer<ProxyConfig> =>
  Layer.succeed(ProxyConfig, { ...defaults, ...options })
