/** What the server of a content said last: for callers who want to know, and pass on, where bytes come from. */
import type { ContentUrl } from "@piecework/domain/ContentUrl"

export interface HttpFacts {
  readonly status: number
  /** Header lines as they came, without their line ends: at most 200 of together 64 KiB. */
  readonly headers: ReadonlyArray<string>
  /** Where the answer came from, after redirects. */
  readonly url: ContentUrl
  /** IP address of that server; `undefined` when a proxy stood between. */
  readonly address: string | undefined
}

/** The value of a header, by its name in any case; several are joined with ", ". */
export const header = ({ headers }: HttpFacts, name: string): string | undefined => {
  const start = `${name.toLowerCase()}:`
  const values = headers.filter((line) => line.toLowerCase().startsWith(start))
  return values.length === 0 ? undefined : values.map((line) => line.slice(start.length).trim()).join(", ")
}
