/** How a node is doing, from what it said last and when. Source: spec.md §7.5: healthy is a heartbeat in the last 24 hours. */
import type { NodeState } from "@piecework/cloud/CacheNode"
import type { Health } from "@piecework/cloud/CacheNodeAdminRpcs"

/** Milliseconds after which a node that says nothing is not healthy any more. */
export const patience = 86_400_000

/** Milliseconds after which nobody is told of a silent node any more. */
export const longSilence = 7 * 86_400_000

/** Of what a node said last; `seenAt` by the service's clock, as `now`, in epoch milliseconds. */
export interface LastWord {
  readonly seenAt: number
  readonly state: NodeState
}

export const healthOf = (last: LastWord | undefined, now: number): Health => {
  if (last === undefined) return "NeverSeen"
  if (now - last.seenAt > patience) return "Silent"
  return last.state === "Failed" ? "Failed" : "Healthy"
}
