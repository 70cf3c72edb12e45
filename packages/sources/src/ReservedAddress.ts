/**
 * Addresses that a server elsewhere must not send us to. What answers there trusts whoever can reach it: metadata services of clouds
 * hand out keys, and programs of this device take orders. Private networks are not among them, since servers send their own sites'
 * devices to a mirror nearby, and browsers and curl follow.
 */
import { BlockList, isIP } from "node:net"

/** `Loopback`: only this device answers. `LinkLocal`: its own link, or the metadata service of a cloud. */
export type Zone = "Elsewhere" | "Loopback" | "LinkLocal"

/** Of an address, or of a host as URLs write it; names are elsewhere, but for those that always mean this device. Source: RFC 6761, 6.3. */
export const zoneOf = (host: string): Zone => {
  const plain = host.replace(/^\[(.*)\]$/, "$1").replace(/%.*$/, "")
  const version = isIP(plain)
  if (version === 0) return /(^|\.)localhost\.?$/i.test(plain) ? "Loopback" : "Elsewhere"
  const family = version === 4 ? "ipv4" : "ipv6"
  if (linkLocal.check(plain, family)) return "LinkLocal"
  return loopback.check(plain, family) ? "Loopback" : "Elsewhere"
}

/** Whether who began in the one zone may be led to the other: everywhere, or to where it is already. */
export const mayLead = (from: Zone, to: Zone): boolean => to === "Elsewhere" || to === from

// A list of IPv4 addresses holds for `::ffff:1.2.3.4` as well. 0.0.0.0 and :: are this device to those who dial.
const loopback = new BlockList()
loopback.addSubnet("127.0.0.0", 8, "ipv4")
loopback.addSubnet("0.0.0.0", 8, "ipv4")
loopback.addAddress("::1", "ipv6")
loopback.addAddress("::", "ipv6")

/** Sources: RFC 3927, RFC 4291; the manuals of the clouds' instance metadata services. */
const linkLocal = new BlockList()
linkLocal.addSubnet("169.254.0.0", 16, "ipv4")
linkLocal.addSubnet("fe80::", 10, "ipv6")
// Amazon's services by IPv6, and Google's.
linkLocal.addSubnet("fd00:ec2::", 32, "ipv6")
linkLocal.addAddress("fd20:ce::254", "ipv6")
// Those of Alibaba, Oracle and Azure that are not link-local.
linkLocal.addAddress("100.100.100.200", "ipv4")
linkLocal.addAddress("192.0.0.192", "ipv4")
linkLocal.addAddress("168.63.129.16", "ipv4")
// The same IPv4 addresses by a translator. Source: RFC 6052, section 2.1.
linkLocal.addSubnet("64:ff9b::a9fe:0", 112, "ipv6")
