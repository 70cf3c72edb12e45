/** A content as the catalog has it, and what changes of it others hear of. */
import { PolicySettings } from "@piecework/cloud/PolicySettings"
import { ContentId } from "@piecework/domain/Content"
import { ContentUrl } from "@piecework/domain/ContentUrl"
import { Digest } from "@piecework/domain/Digest"
import { Schema } from "effect"

export class Published extends Schema.Class<Published>("@piecework/catalog/Published")({
  /** Counts up in the order of first publication. */
  place: Schema.Natural,
  contentId: ContentId,
  /** Bytes. */
  contentSize: Schema.Natural,
  /** Bytes. */
  pieceSize: Schema.Natural,
  /** SHA-256 of the PHF's bytes. */
  phfDigest: Digest,
  /** Epoch milliseconds of the first publication of these bytes. */
  publishedAt: Schema.Natural,
  /** The latest last. */
  urls: Schema.Array(ContentUrl),
  /** What was set; the rest has its default. */
  policy: PolicySettings,
  /** Epoch milliseconds since which it is handed out to nobody; `null` while it is. */
  haltedAt: Schema.NullOr(Schema.Natural)
}) {}

/** What publishing changed. */
export interface Publication {
  readonly content: Published
  /** The content was not there before. */
  readonly isNew: boolean
  /** URLs that led nowhere and lead here now. */
  readonly added: ReadonlyArray<ContentUrl>
  /** URLs that led to other bytes before. */
  readonly moved: ReadonlyArray<{ readonly url: ContentUrl; readonly from: ContentId }>
}

/** What decides who may have a content. */
export interface Terms {
  readonly policy: PolicySettings
  readonly haltedAt: number | null
}

/** A content as it is since a change of its terms. */
export interface Change {
  readonly contentId: ContentId
  /** Changes count up; each has its own. */
  readonly version: number
  /** `undefined` when it was unpublished. */
  readonly terms: Terms | undefined
}
