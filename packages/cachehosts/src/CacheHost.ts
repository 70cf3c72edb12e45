/** A cache server as clients call it, and how a URL looks when it is asked. Source: spec.md §7.1. */
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

/** `http://host` or `https://host:port`: what it is called by in bans and explanations. */
export const nameOf = ({ host, port, protocol }: Pick<CacheHost, "host" | "port" | "protocol">): string => {
  const usual = protocol === "http:" ? 80 : 443
  return `${protocol}//${host.includes(":") ? `[${host}]` : host}${port === usual ? "" : `:${port}`}`
}
