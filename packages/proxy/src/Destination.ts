/**
 * Where this proxy connects to. Addresses of the link are refused, since clouds hand out a machine's credentials at one of them, and so
 * is what is no other machine's address at all. This machine's own loopback is for its own programs. Names are judged by the
 * addresses they lead to, when they are connected to, so one that changes its mind meanwhile gains nothing.
 */
import { lookup as resolve } from "node:dns"
import { BlockList, isIP, isIPv6, type LookupFunction } from "node:net"
import { Schema } from "effect"

export class DestinationError extends Schema.TaggedError<DestinationError>()("DestinationError", {
  host: Schema.String
}) {
  override get message(): string {
    return `The proxy does not connect to ${this.host}: its address is this device's own, of the link, or no device's.`
  }
}

const loopback = new BlockList()
loopback.addSubnet("127.0.0.0", 8, "ipv4")
loopback.addAddress("::1", "ipv6")

const never = new BlockList()
never.addSubnet("0.0.0.0", 8, "ipv4")
never.addSubnet("169.254.0.0", 16, "ipv4")
never.addSubnet("224.0.0.0", 3, "ipv4")
never.addAddress("::", "ipv6")
never.addSubnet("fe80::", 10, "ipv6")
never.addSubnet("ff00::", 8, "ipv6")
// Metadata of a cloud that is at no link-local address. Source: AWS, "Use IMDS".
never.addAddress("fd00:ec2::254", "ipv6")

/** Block lists know the mapped form of IPv4 (::ffff:127.0.0.1) by themselves. */
const isIn = (list: BlockList, address: string): boolean => list.check(address, isIPv6(address) ? "ipv6" : "ipv4")

export const isLoopback = (address: string): boolean => isIP(address) !== 0 && isIn(loopback, address)

export type Reach = "All" | "BeyondThisDevice"

export const isAllowed = (address: string, reach: Reach): boolean =>
  !isIn(never, address) && (reach === "All" || !isIn(loopback, address))

/** What an address in place of a name says already; a name is judged by `lookup`. */
export const mayBeAllowed = (host: string, reach: Reach): boolean => isIP(host) === 0 || isAllowed(host, reach)

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
