/**
 * Which cache servers there are: the strongest provider that names any has the word, and the others are not asked. Pure.
 * Source: spec.md §1 (DOCacheHost, DOCacheHostSource), §7.2, §7.6.
 */
import type { CacheServer } from "@piecework/cloud/KeyValueRpcs"
import type { Policy } from "@piecework/policy/Policy"
import * as CacheHost from "./CacheHost.ts"
import type { Provider } from "./CacheHost.ts"

/** Most hosts of one provider. */
export const mostHosts = 16
/** Longest text of a list, in characters; DHCP option 235 has at most 1,024. */
const longestList = 4096

/** What the providers say now, as it came. */
export interface Said {
  /** DHCP option 235. */
  readonly dhcp: string | undefined
  /** Of KeyValue. */
  readonly service: ReadonlyArray<CacheServer>
  /** Heard on the local network. */
  readonly dnsSd: ReadonlyArray<CacheHost.Place>
}

export const silent: Said = { dhcp: undefined, service: [], dnsSd: [] }

/** Why one that is known is not asked, whatever is downloaded. */
export type NotAsked =
  /** The mode or an empty DOCacheHost says that there is none. */
  | "SwitchedOff"
  /** The settings allow only listed hosts, or only TLS. */
  | "NotAllowed"
  /** A stronger provider names others. */
  | "Outranked"

export interface Known {
  readonly cache: CacheHost.CacheHost
  readonly without: NotAsked | undefined
}

export interface Hosts {
  /** Those that may be asked, in their order. */
  readonly usable: ReadonlyArray<CacheHost.CacheHost>
  /** Why there is none; `undefined` while there is one. */
  readonly without: "NoneKnown" | "SwitchedOff" | "NotAllowed" | undefined
  /** All that are known, from the strongest provider to the weakest. */
  readonly known: ReadonlyArray<Known>
}

/** A list as people and DHCP servers write it: what is no host is left out, and so is what is there already. */
export const parseList = (list: string | ReadonlyArray<string>): ReadonlyArray<CacheHost.Place> => {
  const entries = typeof list === "string" ? list.slice(0, longestList + 1).split(",") : list
  if (typeof list === "string" && list.length > longestList) return []
  const found = new Map<string, CacheHost.Place>()
  for (const entry of entries) {
    const place = CacheHost.parse(entry)
    if (place !== undefined && found.size < mostHosts && !found.has(CacheHost.nameOf(place)))
      found.set(CacheHost.nameOf(place), place)
  }
  return [...found.values()]
}

export const of = (policy: Policy, said: Said): Hosts => {
  const groups = order(policy).map((provider) => ({ provider, hosts: hostsOf(provider, policy, said) }))
  const isOff = policy.get("DODownloadMode") === 100
  const isListedOnly = policy.get("CacheHostListedOnly")
  const known: Array<Known> = []
  let without: Hosts["without"] = isOff ? "SwitchedOff" : undefined
  let isDecided = isOff
  for (const { hosts, provider } of groups) {
    const isForbidden = isListedOnly && !listed.has(provider)
    const decides = !isDecided && !isForbidden && (hosts.length > 0 || isConfigured(provider, policy))
    for (const place of hosts) {
      const cache = { ...place, provider }
      known.push({
        cache,
        without: isOff ? "SwitchedOff" : isForbidden ? "NotAllowed" : decides ? ofTls(policy, place) : "Outranked"
      })
    }
    if (!decides) continue
    isDecided = true
    if (policy.get("DOCacheHost")?.length === 0 && provider === "Policy") without = "SwitchedOff"
  }
  const shown = known.map((one) => (without === "SwitchedOff" ? { ...one, without } : one))
  const usable = shown.flatMap((one) => (one.without === undefined ? [one.cache] : []))
  const isRefused = shown.some((one) => one.without === "NotAllowed")
  return {
    usable,
    without: usable.length > 0 ? undefined : (without ?? (isRefused ? "NotAllowed" : "NoneKnown")),
    known: shown
  }
}

/** Which providers are of use as the settings and the stronger ones' words are: who is not needs no looking up. */
export const wants = (policy: Policy, said: Said): { readonly dhcp: boolean; readonly dnsSd: boolean } => {
  const source = policy.get("DOCacheHostSource")
  const mayFind = policy.get("DODownloadMode") !== 100 && !policy.get("CacheHostListedOnly")
  const byPolicy = isConfigured("Policy", policy)
  const dhcp = mayFind && (source === 2 || (source === 1 && !byPolicy))
  const isSaid = (provider: Provider) => hostsOf(provider, policy, said).length > 0
  return { dhcp, dnsSd: mayFind && source !== 0 && !byPolicy && !isSaid("Service") && !(dhcp && isSaid("Dhcp")) }
}

/** Whether the service or the local network may name one; the settings leave it to them. */
export const isOpen = (policy: Policy): boolean =>
  policy.get("DODownloadMode") !== 100 && !isConfigured("Policy", policy)

/** From the strongest to the weakest. DHCP is before the policy where it is forced. */
const order = (policy: Policy): ReadonlyArray<Provider> => {
  switch (policy.get("DOCacheHostSource")) {
    case 0:
      return ["Policy", "Service"]
    case 1:
      return ["Policy", "Dhcp", "Service", "DnsSd"]
    case 2:
      return ["Dhcp", "Policy", "Service", "DnsSd"]
    case undefined:
      return ["Policy", "Service", "DnsSd"]
  }
}

/** Whose word somebody answers for. */
export const listed: ReadonlySet<Provider> = new Set(["Policy", "Service"])

const hostsOf = (provider: Provider, policy: Policy, said: Said): ReadonlyArray<CacheHost.Place> => {
  switch (provider) {
    case "Policy":
      return parseList(policy.get("DOCacheHost") ?? [])
    case "Dhcp":
      return parseList(said.dhcp ?? "").filter((place) => !CacheHost.isLoopback(place))
    case "Service":
      return said.service.slice(0, mostHosts).flatMap(({ host, isTls, port }) => {
        const parsed = CacheHost.parse(host.includes(":") ? `[${host}]` : host)
        return parsed === undefined ? [] : [{ host: parsed.host, port, protocol: isTls ? "https:" : "http:" } as const]
      })
    case "DnsSd":
      return said.dnsSd.slice(0, mostHosts)
  }
}

/** The policy counts as soon as it says anything, be it nothing or nonsense: then nobody else is to be believed. */
const isConfigured = (provider: Provider, policy: Policy): boolean =>
  provider === "Policy" && policy.get("DOCacheHost") !== undefined

const ofTls = (policy: Policy, { protocol }: CacheHost.Place): NotAsked | undefined =>
  policy.get("CacheHostTlsOnly") && protocol === "http:" ? "NotAllowed" : undefined
