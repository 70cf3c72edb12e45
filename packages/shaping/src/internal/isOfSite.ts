/** Whether an address is on this side of the line: what comes from there says nothing about the line. */
import { BlockList, isIP } from "node:net"

/** Loopback, private, link-local and unique local addresses. Sources: RFC 1918, RFC 3927, RFC 4193, RFC 4291. */
export const isOfSite = (host: string): boolean => {
  const version = isIP(host)
  return version !== 0 && near.check(host, version === 4 ? "ipv4" : "ipv6")
}

const near = new BlockList()
near.addSubnet("127.0.0.0", 8, "ipv4")
near.addSubnet("10.0.0.0", 8, "ipv4")
near.addSubnet("172.16.0.0", 12, "ipv4")
near.addSubnet("192.168.0.0", 16, "ipv4")
near.addSubnet("169.254.0.0", 16, "ipv4")
near.addAddress("::1", "ipv6")
near.addSubnet("fe80::", 10, "ipv6")
near.addSubnet("fc00::", 7, "ipv6")
