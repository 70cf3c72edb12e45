/** Who may have a content now, by its terms. Whoever may not is not to learn more than that of a content that is not there. */
import type { Verdict } from "@piecework/cloud/Gate"
import { type Identity, isOf } from "@piecework/cloud/Identity"
import type { Terms } from "./Published.ts"

/** `now` is epoch milliseconds. That a content is halted is told to those only who could have it otherwise. */
export const verdictOf = ({ haltedAt, policy }: Terms, identity: Identity, now: number): Verdict => {
  const { expireAtSeconds, groups = [] } = policy
  if (expireAtSeconds !== undefined && now >= expireAtSeconds * 1000) return "Unknown"
  if (!isOf(identity, groups)) return "Unknown"
  return haltedAt === null ? "Allowed" : "Halted"
}
