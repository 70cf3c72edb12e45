/**
 * Where a member is: its site, its subnet, and the addresses at which others reach it. Devices of one site share the line
 * to the Internet, so they are to share pieces. The address that the service sees is a fact; the one that a client reports
 * is believed only as far as it cannot send peers to a stranger. Source: spec.md §2.1 (LAN), §2.4 (subnets), §2.5 (NAT).
 */
import { Option, Result } from "effect"
import { IpNetwork, NetAddress } from "effect/net"

/**
 * How devices are grouped that reach the service from private addresses without a NAT in between, because the service is
 * on their own network: all are one site, or each subnet is one, as when branch offices are routed to a central service.
 */
export type PrivateNetworks = "OneSite" | "BySubnet"

export interface Place {
  /** Equal for the devices of one site. */
  readonly site: string
  /** The network that the reported address is in, as "192.168.1.0/24". */
  readonly subnet: string
  /** Where devices of the same site or group reach the member. */
  readonly nearHost: string
  /** Where all others do. */
  readonly farHost: string
  /** Nobody on another machine reaches it. */
  readonly isLoopback: boolean
}

export interface Reported {
  readonly reportedIp: string
  /** As 255.255.255.0; without it IPv4 networks are taken to have 24 bits. IPv6 networks have 64. */
  readonly subnetMask?: string
}

export const placeOf = (
  externalIp: string,
  { reportedIp, subnetMask }: Reported,
  privateNetworks: PrivateNetworks
): Place => {
  const external = parse(externalIp)
  const reported = parse(reportedIp)
  if (external === undefined) return unplaced(externalIp)
  const near = reported !== undefined && isCredible(reported, external) ? reported : external
  const subnet = networkOf(near, subnetMask)
  return {
    site: siteOf(external, near, subnet, privateNetworks),
    subnet,
    nearHost: NetAddress.formatIp(near),
    farHost: NetAddress.formatIp(external),
    isLoopback: NetAddress.isLoopback(near)
  }
}

const siteOf = (
  external: NetAddress.IpAddress,
  near: NetAddress.IpAddress,
  subnet: string,
  privateNetworks: PrivateNetworks
): string => {
  const direct = NetAddress.isLoopback(external) || NetAddress.formatIp(external) === NetAddress.formatIp(near)
  if (isLocal(external) && direct) return privateNetworks === "OneSite" ? "private" : subnet
  // There is no NAT in IPv6: the devices of a network share its first 64 bits and no more. Source: RFC 4291 §2.5.4.
  return NetAddress.isIpv6Address(external) ? networkOf(external, undefined) : NetAddress.formatIp(external)
}

/** A reported address must be on some private network, or be the very one that the service sees. */
const isCredible = (reported: NetAddress.IpAddress, external: NetAddress.IpAddress): boolean => {
  if (NetAddress.formatIp(reported) === NetAddress.formatIp(external)) return true
  if (NetAddress.isLoopback(reported)) return NetAddress.isLoopback(external)
  return isLocal(reported)
}

const isLocal = (ip: NetAddress.IpAddress): boolean =>
  NetAddress.isLoopback(ip) ||
  NetAddress.isLinkLocal(ip) ||
  (NetAddress.isIpv4Address(ip) ? NetAddress.isPrivate(ip) : NetAddress.isUniqueLocal(ip))

const networkOf = (ip: NetAddress.IpAddress, mask: string | undefined): string => {
  const bits = NetAddress.isIpv4Address(ip) ? prefixOf(mask) : 64
  return IpNetwork.fromAddress(ip, bits).pipe(
    Result.map(IpNetwork.format),
    Result.getOrElse(() => NetAddress.formatIp(ip))
  )
}

/** Bits that a mask sets; 24 when it is none. */
const prefixOf = (mask: string | undefined): number => {
  const parsed = mask === undefined ? undefined : parse(mask)
  if (parsed === undefined || !NetAddress.isIpv4Address(parsed)) return 24
  const bits = NetAddress.ipv4ToOctets(parsed)
    .map((octet) => octet.toString(2).padStart(8, "0"))
    .join("")
  return /^1+0*$/.test(bits) ? bits.lastIndexOf("1") + 1 : 24
}

/** An IPv4 address inside an IPv6 one, as dual-stack sockets show it, is the IPv4 address. */
const parse = (text: string): NetAddress.IpAddress | undefined =>
  NetAddress.ipFromString(text).pipe(
    Result.map((ip) => NetAddress.toCanonical(ip)),
    Result.getSuccess,
    Option.getOrUndefined
  )

const unplaced = (host: string): Place => ({
  site: host,
  subnet: host,
  nearHost: host,
  farHost: host,
  isLoopback: false
})
