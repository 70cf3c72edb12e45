/**
 * Who may have which content now: what Array and the pieces hash files ask before they answer. The usual answer comes from
 * memory, so that a join costs no look into a database.
 */
import type { ContentId } from "@piecework/domain/Content"
import { Context, Effect, Layer } from "effect"
import type { Identity } from "./Identity.ts"
import { ContentHalted, ContentUnknown } from "./RoleError.ts"

/**
 * Unknown: it is not published, has expired, or is not for this caller, who is not to learn which. Halted: it is for this
 * caller, and nobody gets it at present.
 */
export type Verdict = "Allowed" | "Unknown" | "Halted"

export class Gate extends Context.Service<
  Gate,
  {
    /** From memory. What was published a moment ago by another process may still be unknown here. */
    readonly verdict: (identity: Identity, contentId: ContentId) => Verdict
    /** Fails unless the verdict is Allowed. Looks for what was published just now before it says that there is nothing. */
    readonly pass: (identity: Identity, contentId: ContentId) => Effect.Effect<void, ContentUnknown | ContentHalted>
  }
>()("@piecework/cloud/Gate") {
  /** Lets everybody have everything: for an Array without a catalog. */
  static readonly layerOpen: Layer.Layer<Gate> = Layer.succeed(Gate, {
    verdict: () => "Allowed",
    pass: () => Effect.void
  })
}

/** What a verdict means for a request about the content. */
export const obey = (verdict: Verdict, contentId: ContentId): Effect.Effect<void, ContentUnknown | ContentHalted> => {
  switch (verdict) {
    case "Allowed":
      return Effect.void
    case "Unknown":
      return Effect.fail(new ContentUnknown({ content: contentId }))
    case "Halted":
      return Effect.fail(new ContentHalted({ content: contentId }))
  }
}
