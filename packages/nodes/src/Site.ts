/**
 * Which network a node serves that has no address ranges: the site that its own heartbeats come from, with the swarm's notion of a
 * site. Behind a NAT that is one IPv4 address; in IPv6 the first 64 bits; and where the service is on the devices' own network, all
 * private networks, or the node's subnet.
 */
import { Option, Result } from "effect"
import { IpNetwork, NetAddress } from "effect/net"

/** As the swarm groups devices that reach the service from private addresses. */
export type PrivateNetworks = "OneSite" | "BySubnet"

/** The networks of the site of an address; none for a text that is no address. */
export const rangesAt = (externalIp: string, privateNetworks: PrivateNetworks): ReadonlyArray<string> => {
  const parsed = Option.getOrUndefined(Result.getSuccess(NetAddress.ipFromString(externalIp)))
  if (parsed === undefined) return []
  const ip = NetAddress.toCanonical(parsed)
  if (isLocal(ip) && privateNetworks === "OneSite") return localNetworks
  return [networkOf(ip, NetAddress.isIpv6Address(ip) ? 64 : isLocal(ip) ? 24 : 32)]
}

/** The address without the name of a link, which a socket shows behind addresses that mean something on that link only. */
export const withoutZone = (ip: string): string => ip.replace(/%.*$/, "")

export const isLocal = (ip: NetAddress.IpAddress): boolean =>
  NetAddress.isLoopback(ip) ||
  NetAddress.isLinkLocal(ip) ||
  (NetAddress.isIpv4Address(ip) ? NetAddress.isPrivate(ip) : NetAddress.isUniqueLocal(ip))

/** What `isLocal` holds for. Source: RFC 1918, RFC 3927, RFC 4193, RFC 4291, RFC 1122 §3.2.1.3. */
export const localNetworks: ReadonlyArray<string> = [
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "169.254.0.0/16",
  "127.0.0.0/8",
  "fc00::/7",
  "fe80::/10",
  "::1/128"
]

const networkOf = (ip: NetAddress.IpAddress, bits: number): string =>
  Result.match(IpNetwork.fromAddress(ip, bits), {
    onFailure: () => NetAddress.formatIp(ip),
    onSuccess: IpNetwork.format
  })
