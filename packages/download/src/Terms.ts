/** What the publisher of a content said of it, out of the service's answer: what the service only says as usual binds nobody. */
import type { Policies } from "@piecework/cloud/ContentPolicyRpcs"
import { type ContentTerms, none } from "@piecework/policy/ContentTerms"

export const of = (policies: Policies | undefined): ContentTerms => {
  if (policies === undefined) return none
  const said = (name: keyof Policies) => policies.said?.includes(name) === true
  return {
    ...(said("foregroundQosBps") ? { foregroundQos: policies.foregroundQosBps } : {}),
    ...(said("backgroundQosBps") ? { backgroundQos: policies.backgroundQosBps } : {}),
    ...(said("maxCacheAgeSeconds") ? { maxCacheAge: policies.maxCacheAgeSeconds } : {})
  }
}
