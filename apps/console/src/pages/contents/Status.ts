/** Whether a content can be had. Pure. */
import type { ContentRecord } from "@piecework/cloud/ContentAdminRpcs"
import type { Tone } from "../../parts/Tag.tsx"
import * as Amount from "../../view/Amount.ts"

export interface Status {
  readonly word: "Published" | "Halted" | "Expired"
  readonly tone: Tone
}

/** `now` is epoch milliseconds. */
export const of = ({ haltedAt, policy }: ContentRecord, now: number): Status => {
  if (haltedAt !== null) return { word: "Halted", tone: "error" }
  return policy.expireAtSeconds !== undefined && policy.expireAtSeconds * 1000 <= now
    ? { word: "Expired", tone: "warning" }
    : { word: "Published", tone: "good" }
}

/** What its publisher said of it, each in a few words; empty where nothing was said. */
export const rules = ({ policy }: Pick<ContentRecord, "policy">): ReadonlyArray<string> => [
  ...(policy.peersAllowed === false ? ["without peers"] : []),
  ...(policy.groups === undefined || policy.groups.length === 0
    ? []
    : [`for ${Amount.count(policy.groups.length, "group")}`]),
  ...(policy.expireAtSeconds === undefined ? [] : [`until ${Amount.moment(policy.expireAtSeconds * 1000)}`]),
  ...(policy.maxCacheAgeSeconds === undefined ? [] : [`cached for ${Amount.span(policy.maxCacheAgeSeconds * 1000)}`]),
  ...(policy.foregroundQosBps === undefined ? [] : [`from HTTP below ${Amount.byteRate(policy.foregroundQosBps)}`])
]
