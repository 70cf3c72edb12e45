/**
 * Which cache servers a device is told of, and in which order: healthy ones before those that have been silent for a day and
 * not for a week, the narrowest range first, and among equals an order that is the device's own, so that devices spread over them and keep to theirs.
 */
import type { NodeId, NodeSettings } from "@piecework/cloud/CacheNode"
import type { LastHeartbeat } from "@piecework/cloud/CacheNodeAdminRpcs"
import type { CacheServer } from "@piecework/cloud/KeyValueRpcs"
import { weightOf } from "@piecework/cloud/Rendezvous"
import { Option, Result } from "effect"
import { NetAddress } from "effect/net"
import { healthOf, longSilence } from "./Health.ts"
import type { Match } from "./Networks.ts"

/** What is known of a node where devices are told. */
export interface Known {
  readonly id: NodeId
  readonly isEnabled: boolean
  /** Where devices reach it, as an operator said; none is as the node says. */
  readonly servers: NodeSettings["servers"]
  readonly last: LastHeartbeat | undefined
}

/** Most servers in one answer. */
export const most = 16

/** Of the nodes in whose ranges the caller is; `key` is the caller's own, and `now` epoch milliseconds. */
export const choose = (
  matches: ReadonlyArray<Match<Known>>,
  caller: { readonly externalIp: string; readonly key: string },
  now: number
): ReadonlyArray<CacheServer> => {
  const ranked = matches
    .flatMap(({ bits, value }) => {
      const rank = rankOf(value, now)
      return rank === undefined ? [] : [{ value, bits, rank, weight: weightOf(value.id, caller.key) }]
    })
    .toSorted((a, b) => a.rank - b.rank || b.bits - a.bits || b.weight - a.weight || (a.value.id < b.value.id ? -1 : 1))
  const servers: Array<CacheServer> = []
  for (const { value } of ranked) {
    if (servers.length >= most) break
    servers.push(...serversOf(value, caller.externalIp))
  }
  return servers.slice(0, most)
}

/** 0 for one that works, 1 for one that may; nothing for one that is to be named to nobody. */
const rankOf = ({ isEnabled, last }: Known, now: number): number | undefined => {
  if (!isEnabled || last?.state !== "Serving") return undefined
  if (healthOf({ seenAt: last.at, state: last.state }, now) === "Healthy") return 0
  // It may have lost its way to the service and still serve: better asked last than not at all.
  return now - last.at <= longSilence ? 1 : undefined
}

/** By plain HTTP first: what is fetched is verified, and TLS only costs time. Who wants it takes the next. */
export const serversOf = ({ last, servers }: Known, externalIp: string): ReadonlyArray<CacheServer> => {
  if (servers.length > 0) return servers
  if (last === undefined) return []
  const address = addressFor(last.addresses, externalIp)
  const secure = last.tls.state === "On" ? (last.tls.name ?? address) : undefined
  return [
    ...(address === undefined || last.httpPort === undefined
      ? []
      : [{ host: address, port: last.httpPort, isTls: false }]),
    ...(secure === undefined || last.httpsPort === undefined
      ? []
      : [{ host: secure, port: last.httpsPort, isTls: true }])
  ]
}

/** The first that the caller may reach, of the family in which it came if there is one. */
const addressFor = (addresses: ReadonlyArray<string>, externalIp: string): string | undefined => {
  const caller = parse(externalIp)
  const usable = addresses.filter((text) => {
    const ip = parse(text)
    if (ip === undefined || NetAddress.isUnspecified(ip) || NetAddress.isMulticast(ip)) return false
    // An IPv6 address of one link says nothing without the link.
    if (NetAddress.isIpv6Address(ip) && NetAddress.isLinkLocal(ip)) return false
    return !NetAddress.isLoopback(ip) || (caller !== undefined && NetAddress.isLoopback(caller))
  })
  return usable.find((text) => text.includes(":") === externalIp.includes(":")) ?? usable[0]
}

const parse = (text: string): NetAddress.IpAddress | undefined =>
  Option.getOrUndefined(Result.getSuccess(NetAddress.ipFromString(text)))
