/**
 * Which site a report came from, by the address that the service sees: the devices of a site share an IPv4 address, or the first 64 bits of
 * an IPv6 address. Those that the service sees by private addresses are one site. Swarms take the same for a site, as far as the address tells.
 */
import { Option, Result } from "effect"
import { IpNetwork, NetAddress } from "effect/net"

export const of = (externalIp: string): string => {
  const ip = NetAddress.ipFromString(externalIp).pipe(
    Result.map((parsed) => NetAddress.toCanonical(parsed)),
    Result.getSuccess,
    Option.getOrUndefined
  )
  if (ip === undefined) return ""
  if (isLocal(ip)) return "private"
  if (NetAddress.isIpv4Address(ip)) return NetAddress.formatIp(ip)
  return IpNetwork.fromAddress(ip, 64).pipe(
    Result.map(IpNetwork.format),
    Result.getOrElse(() => NetAddress.formatIp(ip))
  )
}

const isLocal = (ip: NetAddress.IpAddress): boolean =>
  NetAddress.isLoopback(ip) ||
  NetAddress.isLinkLocal(ip) ||
  (NetAddress.isIpv4Address(ip) ? NetAddress.isPrivate(ip) : NetAddress.isUniqueLocal(ip))
