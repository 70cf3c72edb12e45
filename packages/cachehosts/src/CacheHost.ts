/** A cache server as clients call it, and what counts as a name of one. Source: spec.md §1 (DOCacheHost), §7.1. */
import { isIPv4, isIPv6 } from "node:net"
import { Schema } from "effect"

/** Where it was learnt from. Source: spec.md §7.2. */
export const Provider = Schema.Literals(["Policy", "Dhcp", "Service", "DnsSd"])
export type Provider = typeof Provider.Type

export interface CacheHost {
  /** A name or an IP address, without brackets. */
  readonly host: string
  readonly port: number
  readonly protocol: "http:" | "https:"
  readonly provider: Provider
}

/** Where it answers, whoever told of it. */
export type Place = Pick<CacheHost, "host" | "port" | "protocol">

/** `http://host` or `https://host:port`: what it is called by in bans and explanations. */
export const nameOf = ({ host, port, protocol }: Place): string =>
  `${protocol}//${host.includes(":") ? `[${host}]` : host}${port === usualPort(protocol) ? "" : `:${port}`}`

/**
 * One entry of a list: a name, an IPv4 or IPv6 address, with or without `http://` or `https://` and a port; an IPv6 address with a
 * port stands in brackets. `undefined` for everything else, such as a path, a user name or an address that stands for many.
 */
export const parse = (entry: string): Place | undefined => {
  const text = entry.trim()
  if (text.length > longestEntry) return undefined
  const { host: written, port: digits, scheme } = shape.exec(text)?.groups ?? {}
  if (written === undefined) return bare(text)
  const protocol = scheme?.toLowerCase() === "https" ? "https:" : "http:"
  const host = hostOf(written)
  const port = digits === undefined ? usualPort(protocol) : Number(digits)
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port, protocol }
}

/** Whether only this device can be meant, which no network may say of a cache server. */
export const isLoopback = ({ host }: Pick<CacheHost, "host">): boolean =>
  host === "localhost" || host.endsWith(".localhost") || host.startsWith("127.") || host === "::1"

const usualPort = (protocol: CacheHost["protocol"]): number => (protocol === "http:" ? 80 : 443)

/** A DNS name has 253 characters at most; with scheme, dot and port. */
const longestEntry = 275

const shape = /^(?:(?<scheme>https?):\/\/)?(?<host>\[[0-9a-f:.]+\]|[^\s:/?#@[\]\\]+)(?::(?<port>\d{1,5}))?\/?$/i

/** An IPv6 address alone needs no brackets. */
const bare = (text: string): Place | undefined => {
  const host = isIPv6(text) ? hostOf(`[${text}]`) : undefined
  return host === undefined ? undefined : { host, port: 80, protocol: "http:" }
}

const hostOf = (written: string): string | undefined => {
  if (written.startsWith("[")) {
    const address = written.slice(1, -1)
    // An address with a zone is of one interface of one device.
    if (!isIPv6(address) || address.includes("%")) return undefined
    // In the one form that URLs have for it.
    const host = new URL(`http://[${address}]`).hostname.slice(1, -1)
    return host === "::" || host.startsWith("ff") || host.startsWith("::ffff:") ? undefined : host
  }
  const host = written.toLowerCase().replace(/\.$/, "")
  if (isIPv4(host)) return isForOne(host) ? host : undefined
  return isName(host) ? host : undefined
}

/** Neither "all addresses", nor multicast, nor broadcast. */
const isForOne = (ipv4: string): boolean => {
  const first = Number(ipv4.split(".")[0])
  return first > 0 && first < 224
}

/** Labels of letters, digits, hyphens and underscores, the last of them no number: that is an address that went wrong. Source: RFC 1123 §2.1. */
const isName = (host: string): boolean => {
  const labels = host.split(".")
  if (host.length > 253 || /^(\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? "")) return false
  return labels.every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label))
}
