/** What the server of a content said last: for callers who want to know, and pass on, where bytes come from. */
import type { ContentUrl } from "@piecework/domain/ContentUrl"

export interface HttpFacts {
  readonly status: number
  /** By lower-case name; several of one name are joined with ", ". */
  readonly headers: ReadonlyMap<string, string>
  /** The same header lines as they came, without their line ends: at most 200 of together 64 KiB. */
  readonly lines: ReadonlyArray<string>
  /** Where the answer came from, after redirects. */
  readonly url: ContentUrl
  /** IP address of that server; `undefined` when a proxy stood between. */
  readonly address: string | undefined
}
