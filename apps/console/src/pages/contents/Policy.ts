/** What a form says of a content's policy, as a change of it. Pure. */
import { PolicyChange, PolicySettings } from "@piecework/cloud/PolicySettings"

/** Fields as a person fills them in; empty is the default. */
export interface PolicyForm {
  readonly peersAllowed: boolean
  readonly groups: ReadonlyArray<string>
  /** As an input for dates and times has it: "2026-01-31T14:05". */
  readonly expireAt: string
  readonly cacheDays: number | ""
  /** Mbit/s. */
  readonly foreground: number | ""
  readonly background: number | ""
}

const day = 86_400
const megabit = 125_000

export const formOf = (policy: PolicySettings): PolicyForm => ({
  peersAllowed: policy.peersAllowed ?? true,
  groups: policy.groups ?? [],
  expireAt: policy.expireAtSeconds === undefined ? "" : localMoment(policy.expireAtSeconds * 1000),
  cacheDays: policy.maxCacheAgeSeconds === undefined ? "" : policy.maxCacheAgeSeconds / day,
  foreground: policy.foregroundQosBps === undefined ? "" : policy.foregroundQosBps / megabit,
  background: policy.backgroundQosBps === undefined ? "" : policy.backgroundQosBps / megabit
})

/** Only what is other than before is said, so that what somebody else said meanwhile of the rest stays. */
export const changeOf = (before: PolicyForm, after: PolicyForm): PolicyChange => {
  const set: { -readonly [K in keyof PolicySettings]?: PolicySettings[K] } = {}
  const reset: Array<(typeof PolicyChange.Type)["reset"][number]> = []
  if (after.peersAllowed !== before.peersAllowed) {
    if (after.peersAllowed) reset.push("peersAllowed")
    else set.peersAllowed = false
  }
  if (after.groups.join("\n") !== before.groups.join("\n")) {
    if (after.groups.length === 0) reset.push("groups")
    else set.groups = after.groups
  }
  if (after.expireAt !== before.expireAt) {
    const at = Date.parse(after.expireAt)
    if (Number.isNaN(at)) reset.push("expireAtSeconds")
    else set.expireAtSeconds = Math.round(at / 1000)
  }
  const numbers = [
    ["cacheDays", "maxCacheAgeSeconds", day],
    ["foreground", "foregroundQosBps", megabit],
    ["background", "backgroundQosBps", megabit]
  ] as const
  for (const [field, name, unit] of numbers) {
    const value = after[field]
    if (value === before[field]) continue
    if (value === "") reset.push(name)
    else set[name] = Math.round(value * unit)
  }
  return new PolicyChange({ set: new PolicySettings(set), reset })
}

export const isNothing = ({ reset, set }: PolicyChange): boolean => reset.length === 0 && Object.keys(set).length === 0

/** In the reader's own time, as an input for dates and times wants it. */
const localMoment = (millis: number): string => {
  const at = new Date(millis)
  return new Date(millis - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}
