/**
 * What a program says of a job, as values where the REST interface has texts. Whatever is left out has its default; all of it is bounded, since
 * it comes from outside for the agent. Source: spec.md §3.3 (properties of a job).
 */
import { ContentId } from "@piecework/domain/Content"
import { ContentUrl } from "@piecework/domain/ContentUrl"
import { Schema } from "effect"

/** Visible in one line. */
const line = (most: number) => Schema.NonEmptyString.check(Schema.isMaxLength(most), Schema.isPattern(/^\P{Cc}*$/u))

/** Absolute, as it is: nothing in it means another place than it says. */
export const FilePath = line(4095).check(
  Schema.makeFilter(
    (path) =>
      (path.startsWith("/") && !path.endsWith("/") && !path.split("/").includes("..")) || "an absolute path of a file"
  )
)

export const Range = Schema.Struct({
  /** Bytes from the beginning of the content. */
  offset: Schema.Natural,
  /** Bytes; without it up to the end. */
  length: Schema.optionalKey(Schema.Natural.check(Schema.isGreaterThan(0)))
})
export type Range = typeof Range.Type

/** These bytes alone; the file has them one after the other. None: the whole content. */
export const Ranges = Schema.Array(Range).check(Schema.isMaxLength(1000))

const name = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/
const value = /^[\t\u0020-\u007e\u0080-\u00ff]{0,8192}$/

/** By name. Which of them a caller may set is said by the agent. */
export const Headers = Schema.Record(Schema.String, Schema.String).check(
  Schema.isMaxProperties(64),
  // Not by the schema of the names: a record leaves out names that are none of its own.
  Schema.makeFilter((headers) => {
    const bad = Object.entries(headers).find(([field, text]) => !name.test(field) || !value.test(text))
    return bad === undefined || `"${bad[0].slice(0, 60)}" is no header that can be sent`
  })
)
export type Headers = typeof Headers.Type

/** Base64 of 32 bytes. */
const Digest = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9+/]{43}=$/))

/** What goes with the requests for a content, and what its bytes have to be. */
const ofContent = {
  /** What the bytes have to be; other bytes are refused, and the hashes need no service. */
  contentId: Schema.optionalKey(ContentId),
  headers: Schema.optionalKey(Headers),
  /** Sent once the server asks who we are (401). */
  authHeaders: Schema.optionalKey(Headers),
  /** Other URLs of the same content. */
  mirrors: Schema.optionalKey(Schema.Array(ContentUrl).check(Schema.isMaxLength(16)))
}

export const JobOptions = Schema.Struct({
  url: Schema.optionalKey(ContentUrl),
  /** Where the file shall be; nothing may be there. */
  path: Schema.optionalKey(FilePath),
  ...ofContent,
  displayName: Schema.optionalKey(line(256)),
  /** Whether somebody waits for it; default "Background". */
  priority: Schema.optionalKey(Schema.Literals(["Foreground", "Background"])),
  /** Whether the job outlives the agent; default no. */
  nonVolatile: Schema.optionalKey(Schema.Boolean),
  /** Gives up when nothing came for so long; 10 at least, default 300. */
  noProgressTimeoutSeconds: Schema.optionalKey(
    Schema.Natural.check(Schema.isGreaterThanOrEqualTo(10), Schema.isLessThanOrEqualTo(0xffff_ffff))
  ),
  integrity: Schema.optionalKey(
    Schema.Struct({
      /** What a content id has inside, as Base64. */
      hashOfHashes: Schema.optionalKey(Digest),
      /** Whether bytes that nobody vouches for are refused; default no. */
      isMandatory: Schema.optionalKey(Schema.Boolean)
    })
  ),
  /** What the caller believes; shown until it is known. */
  totalBytes: Schema.optionalKey(Schema.Natural.check(Schema.isGreaterThan(0))),
  /** Whether redirects may lead from https to http; default no. */
  allowInsecureRedirect: Schema.optionalKey(Schema.Boolean)
})
export type JobOptions = typeof JobOptions.Type

/** What is read while it arrives, without a file. */
export const OpenOptions = Schema.Struct({
  url: ContentUrl,
  ...ofContent,
  /** Default "Foreground". */
  priority: Schema.optionalKey(Schema.Literals(["Foreground", "Background"])),
  /** Whether the rest is fetched as well when parts are read; default yes. */
  isWhole: Schema.optionalKey(Schema.Boolean)
})
export type OpenOptions = typeof OpenOptions.Type
