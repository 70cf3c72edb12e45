/** What the publisher of a content said of it, out of the service's answer: what the service only says as usual binds nobody. */
import type * as CacheRules from "@piecework/cache/CacheRules"
import type { Policies } from "@piecework/cloud/ContentPolicyRpcs"
import { type ContentTerms, none } from "@piecework/policy/ContentTerms"

export const of = (policies: Policies | undefined): ContentTerms => {
  if (policies === undefined) return none
  const said = saidIn(policies)
  return {
    ...(said("foregroundQosBps") ? { foregroundQos: policies.foregroundQosBps } : {}),
    ...(said("backgroundQosBps") ? { backgroundQos: policies.backgroundQosBps } : {}),
    ...(said("maxCacheAgeSeconds") ? { maxCacheAge: policies.maxCacheAgeSeconds } : {})
  }
}

/** What they said of keeping it in the cache. That it ends is said only where somebody did. */
export const keeping = (policies: Policies | undefined): CacheRules.ContentTerms => {
  if (policies === undefined) return {}
  const said = saidIn(policies)
  const { expireAtSeconds } = policies
  return {
    ...(said("maxCacheAgeSeconds") ? { maxAge: policies.maxCacheAgeSeconds * 1000 } : {}),
    ...(said("downloadToExpireSeconds") ? { unfinishedFor: policies.downloadToExpireSeconds * 1000 } : {}),
    ...(expireAtSeconds === undefined ? {} : { expireAt: expireAtSeconds * 1000 })
  }
}

const saidIn = (policies: Policies) => (name: keyof Policies) => policies.said?.includes(name) === true
