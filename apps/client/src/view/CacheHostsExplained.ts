/** What the settings about cache servers come to on this device now, in sentences. */
import * as CacheHost from "@piecework/cachehosts/CacheHost"
import * as Hosts from "@piecework/cachehosts/Hosts"
import type { Policy } from "@piecework/policy/Policy"

/** What the rules have to go by. */
export interface Scene {
  readonly policy: Policy
  readonly said: Hosts.Said
}

export const hosts = (scene: Scene): string => {
  const said = scene.policy.get("DOCacheHost")
  if (said === undefined) return `It names none. ${others(scene)}`
  if (said.length === 0) return "It says that there is no cache server, so none is looked for."
  const { known } = Hosts.of(scene.policy, scene.said)
  const mine = known.filter(({ cache }) => cache.provider === "Policy")
  const wrong = said.filter((entry) => CacheHost.parse(entry) === undefined)
  return [
    ...(mine.length === 0
      ? ["No cache server is asked."]
      : inOrder(mine.filter(({ without }) => without === undefined).map(({ cache }) => cache))),
    ...reasons(mine),
    ...(wrong.length === 0 ? [] : [`Of no use, since they are no hosts: ${wrong.join(", ")}.`])
  ].join(" ")
}

export const source = (scene: Scene): string => {
  const { policy, said } = scene
  const wanted = Hosts.wants(policy, said)
  const number = policy.get("DOCacheHostSource")
  if (policy.get("CacheHostListedOnly"))
    return "It changes nothing now, since CacheHostListedOnly leaves only named ones."
  if (number === 0) return "Only DOCacheHost and the service name cache servers."
  if (!wanted.dhcp && policy.get("DOCacheHost") !== undefined)
    return "It changes nothing now, since DOCacheHost is set."
  const network = wanted.dnsSd
    ? "Cache servers are looked for on the local network, by DNS-SD."
    : "Nobody is asked on the local network, since cache servers are named already."
  if (!wanted.dhcp) return network
  if (said.dhcp === undefined) return `DHCP gave no option 235. ${fallback(scene, network)}`
  const parsed = Hosts.of(policy, said).known.filter(({ cache }) => cache.provider === "Dhcp")
  if (parsed.length === 0) return `DHCP says "${said.dhcp}", in which there is no host. ${fallback(scene, network)}`
  return [
    ...inOrder(parsed.filter(({ without }) => without === undefined).map(({ cache }) => cache)),
    ...reasons(parsed)
  ].join(" ")
}

export const listedOnly = (scene: Scene): string => {
  if (!scene.policy.get("CacheHostListedOnly"))
    return "Cache servers that DHCP or the local network tells of may be asked, for http URLs also in plain text."
  return `Only cache servers that DOCacheHost or the service names are asked. ${others(scene)}`
}

export const tlsOnly = (scene: Scene): string => {
  if (!scene.policy.get("CacheHostTlsOnly"))
    return "Cache servers are asked in plain text where they are named without https://."
  const { known } = Hosts.of(scene.policy, scene.said)
  const plain = known.filter(({ cache, without }) => without === "NotAllowed" && cache.protocol === "http:")
  return plain.length === 0
    ? "No cache server is asked in plain text."
    : `Not asked, since they are named without https://: ${names(plain.map(({ cache }) => cache))}.`
}

/** Without a word of the policy. */
const others = ({ policy, said }: Scene): string => {
  const { usable, without } = Hosts.of(policy, said)
  if (usable.length > 0) return inOrder(usable).join(" ")
  if (without === "SwitchedOff") return "The settings say that there is none."
  return without === "NotAllowed" ? "Those that are known may not be asked." : "None is known."
}

const fallback = ({ policy }: Scene, network: string): string =>
  policy.get("DOCacheHost") === undefined ? network : "So DOCacheHost counts."

const inOrder = (usable: ReadonlyArray<CacheHost.CacheHost>): ReadonlyArray<string> => {
  const [first] = usable
  if (first === undefined) return []
  return [
    usable.length === 1
      ? `${CacheHost.nameOf(first)} is asked, named by ${words[first.provider]}.`
      : `Asked in this order, the next when one fails, named by ${words[first.provider]}: ${names(usable)}.`
  ]
}

const reasons = (known: ReadonlyArray<Hosts.Known>): ReadonlyArray<string> =>
  [...Map.groupBy(known, because)].flatMap(([why, these]) =>
    why === undefined ? [] : [`Not asked, since ${why}: ${names(these.map(({ cache }) => cache))}.`]
  )

const because = ({ cache, without }: Hosts.Known): string | undefined => {
  switch (without) {
    case undefined:
      return undefined
    case "NotAllowed":
      return Hosts.listed.has(cache.provider)
        ? "CacheHostTlsOnly is set"
        : "CacheHostListedOnly or CacheHostTlsOnly is set"
    case "Outranked":
      return "a stronger provider names others"
    case "SwitchedOff":
      return "the settings say that there is none"
  }
}

const names = (all: ReadonlyArray<CacheHost.Place>): string => all.map((one) => CacheHost.nameOf(one)).join(", ")

/** Who told of one, for people. */
export const words: { readonly [P in CacheHost.Provider]: string } = {
  Policy: "the policy",
  Dhcp: "DHCP",
  Service: "the service",
  DnsSd: "the local network"
}
