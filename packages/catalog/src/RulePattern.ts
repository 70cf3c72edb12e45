/**
 * Which URLs a rule is about: `https://repo.example/debian/**`. The origin stands there as it is; in the path `*` is any
 * part of one segment and `**`, a segment by itself, any number of segments. Nothing else means anything, and matching takes
 * time in proportion to pattern × path at the worst.
 */
import { type ContentUrl, parse as parseUrl } from "@piecework/domain/ContentUrl"
import { Result, Schema } from "effect"

export class RulePatternError extends Schema.TaggedError<RulePatternError>()("RulePatternError", {
  text: Schema.String,
  reason: Schema.Literals(["NotAUrl", "OriginWild", "StarsInSegment", "Query", "TooLong"])
}) {
  override get message(): string {
    const shown = this.text.length > 120 ? `${this.text.slice(0, 120)}…` : this.text
    switch (this.reason) {
      case "NotAUrl":
        return `"${shown}" is no pattern of http or https URLs; give one like https://repo.example/debian/**.`
      case "OriginWild":
        return `"${shown}" has a * before its path; a rule is for one origin.`
      case "StarsInSegment":
        return `In "${shown}" there is a ** beside other characters; it stands by itself between slashes.`
      case "Query":
        return `"${shown}" has a query; a pattern ends with the path.`
      case "TooLong":
        return `A pattern has at most ${maxLength} characters.`
    }
  }
}

export const maxLength = 512

export interface RulePattern {
  /** As it is kept: normalised. */
  readonly text: string
  /** "https://repo.example:8443". */
  readonly origin: string
  readonly segments: ReadonlyArray<string>
}

export const parse = (text: string): Result.Result<RulePattern, RulePatternError> => {
  const fail = (reason: RulePatternError["reason"]) => Result.fail(new RulePatternError({ text, reason }))
  if (text.length > maxLength) return fail("TooLong")
  const path = /^https?:\/\/[^/]+(\/.*)?$/i.exec(text)
  if (path === null) return fail("NotAUrl")
  const [, rest = "/"] = path
  if (text.slice(0, text.length - rest.length).includes("*")) return fail("OriginWild")
  if (/[?#]/.test(rest)) return fail("Query")
  const url = parseUrl(text)
  if (Result.isFailure(url)) return fail("NotAUrl")
  const { origin, pathname } = new URL(url.success)
  const segments = pathname.slice(1).split("/")
  if (segments.some((segment) => segment.includes("**") && segment !== "**")) return fail("StarsInSegment")
  return Result.succeed({ text: origin + pathname, origin, segments })
}

/** The query of the URL does not matter. */
export const matches = (pattern: RulePattern, url: ContentUrl): boolean => {
  const { origin, pathname } = new URL(url)
  if (origin !== pattern.origin) return false
  return wild(pattern.segments, pathname.slice(1).split("/"), (one) => one === "**", segmentMatches)
}

export const withoutQuery = (url: ContentUrl): ContentUrl => {
  const bare = new URL(url)
  bare.search = ""
  const parsed = parseUrl(bare.href)
  return Result.isSuccess(parsed) ? parsed.success : url
}

const segmentMatches = (pattern: string, segment: string): boolean =>
  wild(
    [...pattern],
    [...segment],
    (one) => one === "*",
    (one, other) => one === other
  )

/** Whether the items fit the pattern, of which some parts stand for any number of items. Only the last such part is ever taken back. */
const wild = <P, I>(
  pattern: ReadonlyArray<P>,
  items: ReadonlyArray<I>,
  isWild: (part: P) => boolean,
  fits: (part: P, item: I) => boolean
): boolean => {
  let p = 0
  let i = 0
  let star = -1
  let taken = 0
  while (i < items.length) {
    const part = pattern[p]
    const item = items[i]
    if (p < pattern.length && part !== undefined && isWild(part)) {
      star = p++
      taken = i
    } else if (p < pattern.length && part !== undefined && item !== undefined && fits(part, item)) {
      p++
      i++
    } else if (star >= 0) {
      p = star + 1
      i = ++taken
    } else {
      return false
    }
  }
  return pattern.slice(p).every(isWild)
}
