/**
 * What goes with the requests for one content, and to whom. A header's name does not tell whether it is a secret (`X-Api-Key` is as good
 * as `Authorization`), so of what the caller added only what no server could mistake for one goes to other origins than that of the
 * URL that was given: not to where redirects lead, nor to mirrors. An origin is scheme, host and port, as in browsers.
 */
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { Result } from "effect"
import type { HttpResponse } from "./HttpResponse.ts"
import { check, type HeaderError, type RequestHeaders } from "./RequestHeaders.ts"

export interface AccessOptions {
  /** The URL that was given: its origin gets all of the headers. */
  readonly url: ContentUrl
  readonly headers?: RequestHeaders | undefined
  /** Sent there as well once it has asked who we are (401 with WWW-Authenticate), and to nobody else. */
  readonly authHeaders?: RequestHeaders | undefined
  /** Whether redirects may lead from https to http; default what the settings say. */
  readonly allowInsecureRedirect?: boolean | undefined
}

/** Headers that say what is wanted, and nothing about who wants it. */
const harmless: ReadonlySet<string> = new Set(["accept", "accept-language", "cache-control", "pragma", "user-agent"])

/** What of the headers goes to another origin than they were given for. */
export const harmlessOf = (headers: RequestHeaders): RequestHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => harmless.has(name.toLowerCase())))

export class Access {
  /** Nothing goes with the requests. */
  static readonly none = (url: ContentUrl): Access => new Access({ url })

  static readonly make = (options: AccessOptions): Result.Result<Access, HeaderError> =>
    Result.map(Result.all([check(options.headers ?? {}), check(options.authHeaders ?? {})]), () => new Access(options))

  readonly allowInsecureRedirect: boolean | undefined
  private readonly origin: string
  private readonly headers: RequestHeaders
  private readonly elsewhere: RequestHeaders
  private readonly authHeaders: RequestHeaders
  /** The origin has asked who we are: from then on it is told at once. */
  private isAsked = false

  private constructor({ allowInsecureRedirect, authHeaders, headers, url }: AccessOptions) {
    this.allowInsecureRedirect = allowInsecureRedirect
    this.origin = new URL(url).origin
    this.headers = headers ?? {}
    this.elsewhere = harmlessOf(this.headers)
    this.authHeaders = authHeaders ?? {}
  }

  /** What goes with a request to the URL. */
  headersFor({ origin }: URL): RequestHeaders {
    if (origin !== this.origin) return this.elsewhere
    return this.isAsked ? { ...without(this.headers, this.authHeaders), ...this.authHeaders } : this.headers
  }

  /** Whether a request that went without a login, and was refused by this answer, should be sent again with one. */
  mayLogIn({ headers, url }: Pick<HttpResponse, "headers" | "url">): boolean {
    const isOurs = new URL(url).origin === this.origin && Object.keys(this.authHeaders).length > 0
    return isOurs && headers.has("www-authenticate")
  }

  /** Whether what `headersFor` answers has the login. */
  isLoggedIn({ origin }: URL): boolean {
    return this.isAsked && origin === this.origin
  }

  /** The origin asks who we are. */
  asked(): void {
    this.isAsked = true
  }
}

/** Names may differ in their case. */
const without = (headers: RequestHeaders, replaced: RequestHeaders): RequestHeaders => {
  const names = new Set(Object.keys(replaced).map((name) => name.toLowerCase()))
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.has(name.toLowerCase())))
}
