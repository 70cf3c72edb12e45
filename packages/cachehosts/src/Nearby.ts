/**
 * What is made of cache servers that the local network tells of. Anybody on it may tell anything, so only addresses of networks that
 * this device is on count, and of those only private and link-local ones: nobody can send devices to a third party. Pure.
 * Source: spec.md §7.6.
 */
import { BlockList, isIPv4, isIPv6 } from "node:net"
import type { NetworkInterface } from "@piecework/host/NetworkInterface"
import type { Found } from "@piecework/lan/Services"
import { isLocal } from "@piecework/transport/LocalAddress"
import { tls } from "./Announcing.ts"
import { nameOf, parse, type Place } from "./CacheHost.ts"

/** Most of them that count; who was heard of first does. */
export const most = 8

export const places = (
  found: ReadonlyArray<Found>,
  interfaces: ReadonlyArray<NetworkInterface>
): ReadonlyArray<Place> => {
  const own = networksOf(interfaces)
  const all = new Map<string, Place>()
  for (const { addresses, port, texts } of found) {
    // As URLs write it, whatever form it was told in; a link-local address of IPv6 says too little without its interface.
    const host = addresses.flatMap((address) => parse(address)?.host ?? []).find((one) => isNear(own, one))
    if (host === undefined) continue
    const isTls = texts.some((text) => text.toLowerCase() === tls)
    const place: Place = { host, port, protocol: isTls ? "https:" : "http:" }
    if (all.size < most) all.set(nameOf(place), place)
  }
  return [...all.values()]
}

/** On one of the networks, and of an address that is nobody's outside of it. */
const isNear = (own: BlockList, host: string): boolean =>
  isLocal(host) === true && own.check(host, isIPv4(host) ? "ipv4" : "ipv6") && !/^(127\.|::1$|fe[89ab])/.test(host)

const networksOf = (interfaces: ReadonlyArray<NetworkInterface>): BlockList => {
  const own = new BlockList()
  for (const { addresses, isLoopback } of interfaces) {
    if (isLoopback) continue
    for (const { address, family, netmask } of addresses) {
      const plain = address.replace(/%.*$/, "")
      if (family === "IPv4" && isIPv4(plain) && isIPv4(netmask)) own.addSubnet(plain, bitsOfIpv4(netmask), "ipv4")
      if (family === "IPv6" && isIPv6(plain) && isIPv6(netmask)) own.addSubnet(plain, bitsOfIpv6(netmask), "ipv6")
    }
  }
  return own
}

const bitsOfIpv4 = (mask: string): number => mask.split(".").reduce((bits, octet) => bits + onesOf(Number(octet)), 0)

/** A mask is written as groups of ones up to `::`. */
const bitsOfIpv6 = (mask: string): number =>
  mask.split(":").reduce((bits, group) => bits + (group === "" ? 0 : onesOf(Number.parseInt(group, 16))), 0)

const onesOf = (number: number): number => number.toString(2).replaceAll("0", "").length
