/**
 * Where this proxy connects to. Addresses of the link are refused, since clouds hand out a machine's credentials at one of them, and so
 * is what is no other machine's address at all. This machine's own loopback is for its own programs. Names are judged by the
 * addresses they lead to, when they are connected to, so one that changes its mind meanwhile gains nothing.
 */
import { lookup as resolve } from "node:dns"
import { BlockList, isIP, isIPv6, type LookupFunction } from "node:net"
import { zoneOf } from "@piecework/sources/ReservedAddress"
import { Schema } from "effect"

export class DestinationError extends Schema.TaggedError<DestinationError>()("DestinationError", {
  host: Schema.String
}) {
  override get message(): string {
    return `The proxy does not connect to ${this.host}: its address is this device's own, of the link, or no device's.`
  }
}

/** Addresses of many, or of nobody. Source: IANA, IPv4 and IPv6 special-purpose address registries. */
const nobody = new BlockList()
nobody.addSubnet("224.0.0.0", 3, "ipv4")
nobody.addSubnet("ff00::", 8, "ipv6")

export const isLoopback = (address: string): boolean => isIP(address) !== 0 && zoneOf(address) === "Loopback"

export type Reach = "All" | "BeyondThisDevice"

/** Whether it may be connected to; a name is judged once more by `lookup`. */
export const isAllowed = (address: string, reach: Reach): boolean => {
  if (isIP(address) !== 0 && nobody.check(address, isIPv6(address) ? "ipv6" : "ipv4")) return false
  const zone = zoneOf(address)
  return zone !== "LinkLocal" && (reach === "All" || zone !== "Loopback")
}

/** For sockets: the addresses of a name that may be connected to. */
export const lookup =
  (reach: Reach): LookupFunction =>
  (host, options, done) =>
    resolve(host, { ...options, all: true }, (error, found) => {
      if (error !== null) return done(error, "", 0)
      const allowed = found.filter(({ address }) => isAllowed(address, reach))
      const [first] = allowed
      if (first === undefined) return done(new DestinationError({ host }), "", 0)
      return options.all === true ? done(null, allowed) : done(null, first.address, first.family)
    })
