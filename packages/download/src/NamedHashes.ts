/** Hashes of a content that its caller names: a pieces hash file at a URL of its own. Source: spec.md §3.3, IntegrityCheckInfo. */
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import type { Expected } from "@piecework/hashing/Phf"

export interface NamedHashes {
  readonly url: ContentUrl
  /** What the file is known by: SHA-256 of its bytes, the hash of hashes in it, or both. Without either it proves nothing. */
  readonly expected: Expected
}
