/** What is known of a file beside its bytes: what its server said when it was last asked. */
import type { ContentUrl } from "@piecework/domain/ContentUrl"

export interface ObjectFacts {
  /** Where its origin has it. */
  readonly url: ContentUrl
  /** Bytes. */
  readonly size: number
  /** What is said of it again to clients, by lower-case name: type, validators, what caches are told; at most 16 KiB in all. */
  readonly headers: ReadonlyMap<string, string>
  /** Epoch milliseconds at which its server last said that this is the file. */
  readonly confirmedAt: number
  /** Epoch milliseconds until which its server need not be asked again. */
  readonly freshUntil: number
}

/** Its entity tag as the server wrote it, weak or not; `undefined` where it has none. Source: RFC 9110, section 8.8.3. */
export const entityTag = ({ headers }: ObjectFacts): string | undefined => headers.get("etag")

/** The date of its last change as the server wrote it. Source: RFC 9110, section 8.8.2. */
export const lastModified = ({ headers }: ObjectFacts): string | undefined => headers.get("last-modified")
