/** The URL of a content at its origin: http or https, with a host, without credentials or fragment. */
import { Result, Schema } from "effect"

export class ContentUrlError extends Schema.TaggedError<ContentUrlError>()("ContentUrlError", {
  text: Schema.String,
  reason: Schema.Literals(["NotAUrl", "NotHttp", "HasCredentials", "TooLong"])
}) {
  override get message(): string {
    const shown = this.text.length > 120 ? `${this.text.slice(0, 120)}…` : this.text
    switch (this.reason) {
      case "NotAUrl":
        return `"${shown}" is not a URL; give one like http://host/path/file.`
      case "NotHttp":
        return `"${shown}" is not an http or https URL; only those can be fetched.`
      case "HasCredentials":
        return "The URL carries a user name or password; leave them out, they would be shown to the service."
      case "TooLong":
        return `The URL is longer than ${maxLength} characters.`
    }
  }
}

export const maxLength = 4096

/** A normalised URL; two texts for the same URL give the same string. */
export const ContentUrl = Schema.String.check(
  Schema.isPattern(/^https?:\/\/[^#]+$/),
  Schema.isMaxLength(maxLength)
).pipe(Schema.brand("ContentUrl"))
export type ContentUrl = typeof ContentUrl.Type

export const parse = (text: string): Result.Result<ContentUrl, ContentUrlError> => {
  const fail = (reason: ContentUrlError["reason"]) => Result.fail(new ContentUrlError({ text, reason }))
  if (text.length > maxLength) return fail("TooLong")
  if (!URL.canParse(text)) return fail("NotAUrl")
  const url = new URL(text)
  if (url.protocol !== "http:" && url.protocol !== "https:") return fail("NotHttp")
  if (url.username !== "" || url.password !== "") return fail("HasCredentials")
  url.hash = ""
  return url.href.length > maxLength ? fail("TooLong") : Result.succeed(url.href as ContentUrl)
}

/** The last part of the path as a file name; `undefined` when there is none that is safe to write. */
export const fileName = (url: ContentUrl): string | undefined => {
  const last = new URL(url).pathname.split("/").at(-1) ?? ""
  let name: string
  try {
    name = decodeURIComponent(last)
  } catch {
    return undefined
  }
  // oxlint-disable-next-line no-control-regex -- control characters are just what must not get into a file name
  const unsafe = name === "" || name === "." || name === ".." || /[/\\\u0000-\u001f\u007f]/.test(name)
  return unsafe || Buffer.byteLength(name) > 255 ? undefined : name
}
