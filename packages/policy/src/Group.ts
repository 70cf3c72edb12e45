/** Which group a device of mode 2 is in, and where that comes from. Source: spec.md §2.3. */
import type { GroupFacts } from "./Facts.ts"
import type { Policy } from "./Policy.ts"

export interface Group {
  readonly id: string
  readonly from: "DOGroupId" | keyof GroupFacts
}

/** `undefined` when nothing names one: then mode 2 has no peers. An id in the policy wins over any source. */
export const of = (policy: Policy, facts: GroupFacts): Group | undefined => {
  const id = policy.get("DOGroupId")
  if (id !== undefined && id !== "") return { id, from: "DOGroupId" }
  switch (policy.get("DOGroupIdSource")) {
    case 1:
      return named(facts, "adSite")
    case 2:
      return named(facts, "domainSid")
    case 3:
      return fromDhcp(facts) ?? fallback(facts)
    case 4:
      return named(facts, "dnsSuffix") ?? fallback(facts)
    case 5:
      return named(facts, "entraTenant")
    default:
      return fallback(facts)
  }
}

const fallback = (facts: GroupFacts): Group | undefined =>
  named(facts, "adSite") ?? named(facts, "domainSid") ?? named(facts, "entraTenant")

const named = (facts: GroupFacts, from: keyof GroupFacts): Group | undefined => {
  const id = facts[from]?.trim()
  return id === undefined || id === "" || id.length > longest ? undefined : { id, from }
}

/** Only a GUID counts, in braces or without; each device must come to the same text. */
const fromDhcp = ({ dhcpOption }: GroupFacts): Group | undefined => {
  const match = /^\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?$/i.exec(dhcpOption?.trim() ?? "")
  return match?.[1] === undefined ? undefined : { id: match[1].toLowerCase(), from: "dhcpOption" }
}

/** Characters in a group's name, as the services take it. */
const longest = 128
