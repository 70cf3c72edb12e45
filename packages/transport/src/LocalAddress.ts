/** Which addresses are on this side of a site's line. */
import { BlockList, isIP } from "node:net"

/**
 * Whether it is a loopback, private, link-local or unique local address; `undefined` when it is no address but a name.
 * Sources: RFC 1918, RFC 3927, RFC 4193, RFC 4291.
 */
export const isLocal = (host: string): boolean | undefined => {
  const version = isIP(host)
  return version === 0 ? undefined : local.check(host, version === 4 ? "ipv4" : "ipv6")
}

const local = new BlockList()
local.addSubnet("127.0.0.0", 8, "ipv4")
local.addSubnet("10.0.0.0", 8, "ipv4")
local.addSubnet("172.16.0.0", 12, "ipv4")
local.addSubnet("192.168.0.0", 16, "ipv4")
local.addSubnet("169.254.0.0", 16, "ipv4")
local.addAddress("::1", "ipv6")
local.addSubnet("fe80::", 10, "ipv6")
local.addSubnet("fc00::", 7, "ipv6")
