/** What can be read out of a ledger, and the words that all of its explanation share. Texts are without a full stop. */
import * as Amount from "@piecework/domain/Amount"
import { fromPeers, isPeer, type SourceKind, total } from "@piecework/domain/SourceKind"
import type { Name } from "@piecework/policy/Settings"
import { type Provider, words } from "@piecework/policy/Provider"
import type { Entry, Ledger, Party, Verdict } from "./Ledger.ts"
import { localName } from "./Recorder.ts"

export type Of<Tag extends Entry["_tag"]> = Extract<Entry, { readonly _tag: Tag }>

export const all = <Tag extends Entry["_tag"]>(ledger: Ledger, tag: Tag): ReadonlyArray<Of<Tag>> =>
  ledger.entries.filter((entry): entry is Of<Tag> => entry._tag === tag)

export const last = <Tag extends Entry["_tag"]>(ledger: Ledger, tag: Tag): Of<Tag> | undefined =>
  all(ledger, tag).at(-1)

export const peersIn = ({ parties }: Ledger): ReadonlyArray<Party> =>
  parties.filter(({ name }) => name.startsWith("peer:"))

/** Bytes that the network brought and that are of use. */
export const fetched = ({ figures: { useful } }: Ledger): number => total(useful) - useful.LocalCache
export const ofPeers = ({ figures: { useful } }: Ledger): number => fromPeers(useful)
export const wasted = ({ figures: { waste } }: Ledger): number => waste.bad + waste.duplicate + waste.cancelled

/** The sums of such counts over some parties, the most frequent first. */
export const sumOf = (
  parties: ReadonlyArray<Party>,
  of: "refused" | "left" | "cancelled" | "failed"
): ReadonlyArray<readonly [reason: string, count: number]> => {
  const sums = new Map<string, number>()
  for (const party of parties) {
    for (const [reason, n] of Object.entries(party[of] ?? {})) sums.set(reason, (sums.get(reason) ?? 0) + n)
  }
  return [...sums].toSorted((a, b) => b[1] - a[1])
}

/** "set by /etc/piecework/policy.json", "the default". */
export const provenance = (ledger: Ledger, name: string): string | undefined => {
  const setting = ledger.settings.find((one) => one.name === name)
  if (setting === undefined) return undefined
  if (setting.provider === "Default") return "the default"
  return `set by ${setting.place ?? words[setting.provider as Provider] ?? setting.provider}`
}

/** A setting with its value and who says it: "DOMinRAMAllowedToPeer is 4 GB, set by the policy file". */
export const settingIs = (ledger: Ledger, name: Name | string): string => {
  const setting = ledger.settings.find((one) => one.name === name)
  return setting === undefined ? name : `${name} is ${setting.value}, ${provenance(ledger, name)}`
}

/** A text in which the settings that it names say who set them: "…: DOMinRAMAllowedToPeer (set by …)". */
export const sourced = (ledger: Ledger, text: string): string => {
  const told = new Set<string>()
  return text.replace(/\b(?:DO[A-Z]|[A-Z][a-z]+[A-Z])[A-Za-z]+\b/g, (name) => {
    const by = told.has(name) ? undefined : provenance(ledger, name)
    told.add(name)
    return by === undefined ? name : `${name} (${by})`
  })
}

/** What forbids it, each rule with its setting. */
export const verdict = (ledger: Ledger, reasons: Verdict): string =>
  reasons
    .map(({ sentence, setting }) => (setting === undefined ? sentence : sourced(ledger, `${sentence}: ${setting}`)))
    .join("; ")

const kindWords: { readonly [K in SourceKind]: string } = {
  Origin: "the origin",
  CacheServer: "the cache server",
  LinkLocal: "link-local peers",
  Lan: "peers of the site",
  Group: "peers of the group",
  Internet: "peers of the Internet",
  LocalCache: "the cache of this device"
}

export const ofKind = (kind: SourceKind): string => kindWords[kind]

/** A party as people know it: an address, and of a peer the beginning of its id. */
export const nameOf = ({ address, kind, name }: Pick<Party, "address" | "kind" | "name">): string => {
  if (name === localName) return ofKind("LocalCache")
  if (name.startsWith("peer:")) return `peer ${name.slice(5, 13)}${address === undefined ? "" : ` at ${address}`}`
  if (name.startsWith("origin:")) return `the origin ${name.slice(7)}`
  if (name.startsWith("cache:")) return `the cache server ${name.slice(6)}`
  return isPeer(kind) ? "other peers" : name
}

/** Milliseconds as a span: "0.4 s", "2 minutes 5 seconds". */
export const span = (millis: number): string =>
  millis < 10_000 ? `${(millis / 1000).toFixed(1)} s` : Amount.span(millis / 1000)

/** "at 1.2 s". */
export const at = (millis: number): string => `at ${span(millis)}`

/** How often, where more than once. */
export const times = ({ times: n }: { readonly times?: number | undefined }): string =>
  n === undefined ? "" : `, ${n} times`

/** "a, b and c". */
export const list = (parts: ReadonlyArray<string>): string =>
  parts.length < 2 ? (parts[0] ?? "") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`
