/** What is kept of an answer's headers, and what tells one version of a file from another. */
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import type { ObjectFacts } from "@piecework/objects/ObjectFacts"

/** What clients are told again, in the order in which it is kept while there is room. */
const kept = [
  "etag",
  "last-modified",
  "content-type",
  "cache-control",
  "expires",
  "date",
  "age",
  "vary",
  "content-disposition",
  "content-language",
  "content-md5",
  "digest",
  "repr-digest",
  "access-control-allow-origin",
  "x-content-type-options",
  "link"
]

/** Of a refusal. */
const keptOfRefusal = [
  "content-type",
  "cache-control",
  "expires",
  "date",
  "age",
  "retry-after",
  "location",
  "www-authenticate"
]

/** Most bytes of names and values. */
const mostBytes = 16_384
const mostBytesOfRefusal = 2048

/** A longer validator than this is none: it would go out with every request. */
const longestValidator = 1024

export interface Answer {
  readonly url: ContentUrl
  readonly size: number
  readonly headers: ReadonlyMap<string, string>
  readonly now: number
  readonly freshUntil: number
}

export const of = ({ freshUntil, headers, now, size, url }: Answer): ObjectFacts => ({
  url,
  size,
  headers: chosen(headers, kept, mostBytes),
  confirmedAt: now,
  freshUntil
})

/** The facts after a 304: what it says is new, the rest and the validators stay. Source: RFC 9111, section 3.2. */
export const confirmed = (
  facts: ObjectFacts,
  headers: ReadonlyMap<string, string>,
  now: number
): ReadonlyMap<string, string> => {
  const merged = new Map(facts.headers)
  // An old age does not belong to a new answer.
  merged.delete("age")
  for (const [name, value] of headers) if (!validators.has(name)) merged.set(name, value)
  if (!headers.has("date")) merged.set("date", new Date(now).toUTCString())
  return chosen(merged, kept, mostBytes)
}

export const ofRefusal = (headers: ReadonlyMap<string, string>): ReadonlyMap<string, string> =>
  chosen(headers, keptOfRefusal, mostBytesOfRefusal)

const validators = new Set(["etag", "last-modified"])

/**
 * Whether the answer is about the file that the facts are of. An entity tag says so, weak ones too, since files that are served
 * from several machines with different tags are told apart by nothing else; without one on either side the date of the last change.
 */
export const isSame = (facts: ObjectFacts, headers: ReadonlyMap<string, string>): boolean => {
  for (const name of validators) {
    const before = facts.headers.get(name)
    const now = headers.get(name)
    if (before !== undefined && now !== undefined) return before === now
  }
  // Whoever says of a file which version it is says so of its parts as well. Source: RFC 9110, section 15.3.7.
  return !facts.headers.has("etag")
}

/** What makes a server send a part of this very file or all of another: a strong tag, else the date. Source: RFC 9110, section 13.1.5. */
export const ifRange = ({ headers }: ObjectFacts): string | undefined => {
  const tag = headers.get("etag")
  return tag?.startsWith('"') === true ? tag : headers.get("last-modified")
}

const chosen = (
  headers: ReadonlyMap<string, string>,
  names: ReadonlyArray<string>,
  most: number
): ReadonlyMap<string, string> => {
  const found = new Map<string, string>()
  let bytes = 0
  for (const name of names) {
    const value = headers.get(name)
    if (value === undefined || (validators.has(name) && value.length > longestValidator)) continue
    if (bytes + name.length + value.length > most) continue
    bytes += name.length + value.length
    found.set(name, value)
  }
  return found
}
