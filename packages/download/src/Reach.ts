/**
 * Tells whoever reads the log that the service cannot be reached, and that it is back: a line each time that changes for
 * the device, however many contents it serves and however often each of them asks.
 */
import type { CloudError } from "@piecework/cloud/CloudError"
import type { ContentId } from "@piecework/domain/Content"
import { Effect } from "effect"

export interface Reach {
  /** A content's attempt to join is over. */
  readonly attempted: (content: ContentId, failure: CloudError | undefined) => Effect.Effect<void>
  /** The content is served no more. */
  readonly over: (content: ContentId) => Effect.Effect<void>
}

export const make = (): Reach => {
  const failing = new Set<ContentId>()
  return {
    attempted: (content, failure) =>
      Effect.suspend(() => {
        const wasFailing = failing.size > 0
        // That it does not know a content, or has halted it, is an answer.
        const isAnswered =
          failure === undefined || failure.reason === "ContentUnknown" || failure.reason === "ContentHalted"
        if (isAnswered) failing.delete(content)
        else failing.add(content)
        if (!isAnswered && !wasFailing) {
          return Effect.logWarning(`${failure.message} Peers are served on, but no new ones come; it is asked again.`)
        }
        return wasFailing && failing.size === 0 ? Effect.logInfo("The service answers again.") : Effect.void
      }),
    over: (content) => Effect.sync(() => void failing.delete(content))
  }
}
