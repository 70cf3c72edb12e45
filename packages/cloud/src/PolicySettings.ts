/** What a publisher may say about one content; what it leaves open has a default. Source: spec.md §4.3, Policies. */
import { Schema } from "effect"
import { Bytes, GroupId } from "./Fields.ts"

/** Most groups that one content may be limited to. */
export const maxGroups = 64

/** Each field as in `ContentPolicyReply`, but for `groups`. */
export class PolicySettings extends Schema.Class<PolicySettings>("@piecework/cloud/PolicySettings")({
  peersAllowed: Schema.optionalKey(Schema.Boolean),
  /** Bytes a second. */
  foregroundQosBps: Schema.optionalKey(Bytes),
  /** Bytes a second. */
  backgroundQosBps: Schema.optionalKey(Bytes),
  maxCacheAgeSeconds: Schema.optionalKey(Schema.Natural),
  /** From then on the content is unknown, in seconds since 1970. */
  expireAtSeconds: Schema.optionalKey(Schema.Natural),
  downloadToExpireSeconds: Schema.optionalKey(Schema.Natural),
  rank: Schema.optionalKey(Schema.Natural),
  isSecure: Schema.optionalKey(Schema.Boolean),
  isInternal: Schema.optionalKey(Schema.Boolean),
  /** Groups whose devices alone may have the content; none or absent is no limit. Ours. */
  groups: Schema.optionalKey(Schema.Array(GroupId).check(Schema.isMaxLength(maxGroups)))
}) {}

export const Name = Schema.Literals([
  "peersAllowed",
  "foregroundQosBps",
  "backgroundQosBps",
  "maxCacheAgeSeconds",
  "expireAtSeconds",
  "downloadToExpireSeconds",
  "rank",
  "isSecure",
  "isInternal",
  "groups"
])
export type Name = typeof Name.Type

/** What of it shall be other than it is: some are set, some get their default back, the rest stays. */
export class PolicyChange extends Schema.Class<PolicyChange>("@piecework/cloud/PolicyChange")({
  set: PolicySettings,
  reset: Schema.Array(Name).check(Schema.isMaxLength(Name.literals.length))
}) {}

export const none: PolicySettings = new PolicySettings({})
export const noChange: PolicyChange = new PolicyChange({ set: none, reset: [] })

/** What is set in both is set. */
export const change = (before: PolicySettings, { reset, set }: PolicyChange): PolicySettings => {
  const kept = Object.entries(before).filter(([name]) => !reset.some((one) => one === name))
  return new PolicySettings({ ...Object.fromEntries(kept), ...set })
}
