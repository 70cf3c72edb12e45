/**
 * Conditions of a request against the version of a content: whether it is to be sent at all, and whether a range of it may be. Pure.
 * Source: RFC 9110, sections 13.1 and 13.2.2.
 */

/** What tells one version from another. */
export interface Version {
  /** With its quotes. */
  readonly etag: string | undefined
  /** As the header says it. */
  readonly lastModified: string | undefined
}

export interface Asked {
  readonly "if-match"?: string | undefined
  readonly "if-none-match"?: string | undefined
  readonly "if-modified-since"?: string | undefined
  readonly "if-unmodified-since"?: string | undefined
  readonly "if-range"?: string | undefined
}

export const evaluate = (asked: Asked, version: Version): "Send" | "NotModified" | "Failed" => {
  const { "if-match": match, "if-none-match": noneMatch } = asked
  if (match !== undefined) {
    if (!isListed(match, version.etag, "Strong")) return "Failed"
  } else if (isAfter(version.lastModified, asked["if-unmodified-since"])) return "Failed"
  if (noneMatch !== undefined) return isListed(noneMatch, version.etag, "Weak") ? "NotModified" : "Send"
  const since = asked["if-modified-since"]
  const isKnown = isDate(version.lastModified) && isDate(since)
  return isKnown && !isAfter(version.lastModified, since) ? "NotModified" : "Send"
}

/** Whether a range is still of what the client has the rest of; else it gets the whole. */
export const mayHaveRange = ({ "if-range": asked }: Asked, { etag, lastModified }: Version): boolean => {
  if (asked === undefined) return true
  const text = asked.trim()
  // A weak one does not promise the same bytes.
  if (text.startsWith('"')) return text === etag
  return text === lastModified
}

const isListed = (list: string, etag: string | undefined, comparison: "Strong" | "Weak"): boolean => {
  if (list.trim() === "*") return true
  if (etag === undefined || (comparison === "Strong" && etag.startsWith("W/"))) return false
  const opaque = (tag: string) => (comparison === "Weak" ? tag.replace(/^W\//, "") : tag)
  const tags: ReadonlyArray<string> = list.match(/(?:W\/)?"[^"]*"/g) ?? []
  return tags.some((tag) => opaque(tag) === opaque(etag))
}

const isDate = (text: string | undefined): text is string => text !== undefined && !Number.isNaN(Date.parse(text))

const isAfter = (one: string | undefined, other: string | undefined): boolean =>
  isDate(one) && isDate(other) && Date.parse(one) > Date.parse(other)
