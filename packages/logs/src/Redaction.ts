/**
 * Takes secrets out of what is about to be logged: queries, fragments and credentials of URLs, the values of headers like Authorization
 * and Cookie, what is named password, secret, key or token, tokens of the service wherever they stand, and private keys. Better a harmless
 * word too many than one secret: what follows such a name goes to the end of its line. Every pattern takes time in proportion to the text.
 *
 * A secret with nothing around it that says so cannot be told from a hash; nobody may log one.
 */
import { Redacted } from "effect"
import { maxNotes, maxText } from "./internal/bounds.ts"

/** What stands where something was taken out. */
export const mark = "…"

/** The text without secrets, and no longer than `most` characters. */
export const redact = (text: string, most = maxText): string => {
  // Before the patterns, which a text of any length would keep busy. Whatever is cut in two is still found by its beginning.
  const bounded = text.length > most ? `${text.slice(0, most)}${mark}` : text
  return bounded
    .replace(privateKey, `-----BEGIN PRIVATE KEY-----${mark}`)
    .replace(token, `$1${mark}`)
    .replace(header, `$1$2${mark}`)
    .replace(scheme, `$1 ${mark}`)
    .replace(basic, `$1 ${mark}`)
    .replace(named, `$1$2${mark}`)
    .replace(assigned, `$1$2${mark}`)
    .replace(word, wordWithout)
}

/** A value beside a message, as it may be written; of depth, width and length that are bounded. */
export const redactValue = (value: unknown, depth = 0): unknown => {
  switch (typeof value) {
    case "string":
      return redact(value, maxNotes.text)
    case "number":
      return Number.isFinite(value) ? value : String(value)
    case "boolean":
      return value
    case "bigint":
      return String(value)
    case "symbol":
    case "function":
      return `<${typeof value}>`
  }
  if (value === null || value === undefined) return value
  if (Redacted.isRedacted(value)) return "<redacted>"
  if (ArrayBuffer.isView(value)) return `<${value.byteLength} bytes>`
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "<no date>" : value.toISOString()
  if (value instanceof Error) return redact(`${value.name}: ${messageOf(value)}`, maxNotes.text)
  if (depth >= maxNotes.depth) return mark
  try {
    return value instanceof Map
      ? fields(
          [...value].slice(0, maxNotes.width).map(([key, of]) => [String(key), of]),
          depth
        )
      : value instanceof Set
        ? items([...value].slice(0, maxNotes.width), depth)
        : Array.isArray(value)
          ? items(value.slice(0, maxNotes.width), depth)
          : fields(Object.entries(value).slice(0, maxNotes.width), depth)
  } catch {
    // A getter or a conversion that throws is no reason to lose the entry.
    return "<unreadable>"
  }
}

/** The value of a note with this name. */
export const redactField = (key: string, value: unknown, depth = 0): unknown => {
  const tellsNothing = value === undefined || value === null || typeof value === "number" || typeof value === "boolean"
  if (!isSecretName(key) || tellsNothing) return redactValue(value, depth)
  return typeof value === "string" && publicId.test(value) ? value : mark
}

/** Whether what has this name is nobody's business. */
export const isSecretName = (name: string): boolean => secretName.test(name)

/** The message of an error, whatever it does when it is asked. */
export const messageOf = (error: Error): string => {
  try {
    return String(error.message)
  } catch {
    return ""
  }
}

const fields = (entries: ReadonlyArray<readonly [string, unknown]>, depth: number) =>
  Object.fromEntries(
    entries.map(([key, value]) => [redact(key, maxNotes.name), redactField(key, value, depth + 1)] as const)
  )

/** Of a pair whose first says what the second is, as headers are often written, the second goes as well. */
const items = (values: ReadonlyArray<unknown>, depth: number): ReadonlyArray<unknown> => {
  const [first, second] = values
  if (values.length === 2 && typeof first === "string") return [redact(first), redactField(first, second, depth + 1)]
  return values.map((value) => redactValue(value, depth + 1))
}

/** The id of a token, which is logged in its place. */
const publicId = /^[0-9a-f]{16}$/

const secretWords =
  "passw(?:or)?d|passphrase|secret|token|credential|api[-_]?key|access[-_]?key|private[-_]?key|content[-_]?key|signature|psk"

const secretName = new RegExp(`^(?:proxy-)?authorization$|^auth$|cookie|${secretWords}`, "i")

const privateKey = /-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----(?:(?!-----END)[^])*(?:-----END [A-Z ]{0,20}-----)?/g

/**
 * Of ours: their id is no secret, and says whose they are. Keys of the service (`pwk_`) are public. What only begins like one counts where a
 * word begins: base64 has everything in it somewhere. Source: `trust/Token`.
 */
const token = /(pw[a-z]_[0-9a-f]{16}_|(?<![A-Za-z0-9-])pw(?!k)[a-z]?_)[\w-]+/gi

const header = /((?:authorization|cookie)2?)(["']?\s{0,8}[:=]\s{0,8}["'[]?)[^\r\n]*/gi

const scheme = /\b(bearer|negotiate)\s{1,8}[^\s"',]{6,}/gi

/** Not every word that follows "basic". */
const basic = /\b(basic|digest)\s{1,8}(?=[^\s]{0,256}[\d=A-Z])[^\s"']{6,}/g

/** To the end of the line. */
const named = new RegExp(`((?:${secretWords})s?)(["']?\\s{0,8}:\\s{0,8})[^\\r\\n]*`, "gi")

/** To the end of the value. */
const assigned = new RegExp(`((?:${secretWords})s?)(["']?\\s{0,8}=\\s{0,8})(?:"[^"]*"?|'[^']*'?|[^\\s,;)}\\]]+)`, "gi")

const word = /[^\s"]+/g

/** Without the query, the fragment and the credentials of URLs in it. */
const wordWithout = (text: string): string => {
  if (!text.includes("?") && !text.includes("@") && !text.includes("#") && !/%3f/i.test(text)) return text
  return withoutCredentials(withoutQuery(text))
}

const withoutQuery = (text: string): string => {
  const slash = text.indexOf("/")
  const isUrl = text.includes("://")
  const ends = [
    ...(slash === -1 ? [] : [text.indexOf("?", slash), text.search(/%3f/i)]),
    ...(isUrl ? [text.indexOf("#")] : []),
    slash === -1 ? text.search(/\?[^?]{0,256}=/) : -1
  ].filter((at) => at !== -1 && at < text.length - 1)
  if (ends.length === 0) return text
  const end = Math.min(...ends)
  return `${text.slice(0, end)}${text[end] === "#" ? "#" : "?"}${mark}`
}

/** What stands between slashes is looked at by itself: `user:password@host`, and `user@host` behind two slashes. */
const withoutCredentials = (text: string): string => {
  const parts = text.split("/")
  return parts
    .map((part, n) => {
      const at = part.lastIndexOf("@")
      if (at === -1) return part
      const isAuthority = n >= 2 && parts[n - 1] === ""
      return isAuthority || part.slice(0, at).includes(":") ? `${mark}${part.slice(at)}` : part
    })
    .join("/")
}
