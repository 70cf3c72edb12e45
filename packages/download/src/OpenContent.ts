/**
 * A content as bytes in order, while it arrives. A content that the services vouch for comes from its swarm, and a byte is handed out
 * only once its piece was verified; any other comes straight from its origin, a request for each reader.
 */
import type { ContentId } from "@piecework/domain/Content"
import type { HttpFacts } from "@piecework/sources/HttpFacts"
import type { Stream } from "effect"
import type { ByteRange } from "./ByteRanges.ts"
import type { DownloadError } from "./DownloadError.ts"
import type { Progress } from "./Progress.ts"

export interface OpenContent {
  /** Bytes of the whole content; `undefined` while the origin does not say. */
  readonly size: number | undefined
  /** `undefined`: nobody vouches for it, and its bytes come straight from the origin. */
  readonly contentId: ContentId | undefined
  /** What the origin said; `undefined` while it has not said anything, as for a content that the swarm or the cache has. */
  readonly facts: HttpFacts | undefined
  /** A look at it; costs nothing. `requestedBytes` and `heldBytes` are of what was asked for so far. */
  readonly progress: () => Progress
  /**
   * The bytes of the range in order, or of all of it. Several readers at a time, each at its own speed: a slow one holds its own
   * chunk and no more. A chunk has at most 1 MiB and is valid until the next is pulled. Fails with `RangesError` where the content
   * has no such bytes.
   */
  readonly read: (range?: ByteRange) => Stream.Stream<Uint8Array, DownloadError>
}
