/**
 * What a request asks for, read from its first line. A client that knows the proxy names the whole URL (`GET http://host/path`); one that
 * does not has it behind the proxy's own address (`GET /https://host/path`, the reverse form), which is the only way to a content of
 * an https origin. Path and query stay as the client wrote them. Pure. Source: RFC 9112, section 3.2.
 */
import * as ContentUrl from "@piecework/domain/ContentUrl"
import { Result, Schema } from "effect"

export class TargetError extends Schema.TaggedError<TargetError>()("TargetError", {
  reason: Schema.Literals(["NoUrl", "NotHttp", "NotAUrl", "HasCredentials", "NotAnAuthority"])
}) {
  override get message(): string {
    switch (this.reason) {
      case "NoUrl":
        return "This is an HTTP proxy; ask it for http://host/path, or for a path like /https://host/path."
      case "NotHttp":
        return "Only http and https URLs can be asked for here."
      case "NotAUrl":
        return "The request names no URL that can be read."
      case "HasCredentials":
        return "The URL carries a user name or password; send them as a header."
      case "NotAnAuthority":
        return "CONNECT wants a host and a port, as in host:443."
    }
  }
}

export interface Target {
  readonly protocol: "http:" | "https:"
  /** Without the brackets of IPv6. */
  readonly host: string
  readonly port: number
  /** As the Host header has it. */
  readonly authority: string
  /** With the query, as it came. */
  readonly path: string
  readonly form: "Forward" | "Reverse"
}

export interface Authority {
  readonly host: string
  readonly port: number
}

export const parse = (text: string): Result.Result<Target, TargetError> => {
  const fail = (reason: TargetError["reason"]) => Result.fail(new TargetError({ reason }))
  // Some clients make one slash of two, and pip writes the colons as in paths.
  const reverse = /^\/(https?)(?::|%3a)\/{1,2}([^/?#]+)/i.exec(text)
  const absolute =
    reverse === null
      ? text
      : `${reverse[1]}://${(reverse[2] ?? "").replaceAll(/%3a/gi, ":")}${text.slice(reverse[0].length)}`
  if (absolute.startsWith("/") || absolute === "*") return fail("NoUrl")
  const parts = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^#]*)/i.exec(absolute)
  if (parts === null) return fail("NotAUrl")
  const [, scheme = "", authority = "", rest = ""] = parts
  if (!/^https?$/i.test(scheme)) return fail("NotHttp")
  if (authority.includes("@")) return fail("HasCredentials")
  if (!URL.canParse(`${scheme}://${authority}`)) return fail("NotAUrl")
  const url = new URL(`${scheme}://${authority}`)
  const protocol = url.protocol === "https:" ? "https:" : "http:"
  return Result.succeed({
    protocol,
    host: bare(url.hostname),
    port: url.port === "" ? usualPort(protocol) : Number(url.port),
    authority: url.host,
    path: rest.startsWith("/") ? rest : `/${rest}`,
    form: reverse === null ? "Forward" : "Reverse"
  })
}

/** The other end of a tunnel. */
export const parseAuthority = (text: string): Result.Result<Authority, TargetError> => {
  const parts = /^(\[[0-9a-f:.]+\]|[^\s/:@?#[\]]{1,255}):(\d{1,5})$/i.exec(text)
  const port = Number(parts?.[2])
  if (parts?.[1] === undefined || port < 1 || port > 65_535 || !URL.canParse(`http://${text}`)) {
    return Result.fail(new TargetError({ reason: "NotAnAuthority" }))
  }
  return Result.succeed({ host: bare(new URL(`http://${text}`).hostname), port })
}

export const usualPort = (protocol: Target["protocol"]): number => (protocol === "https:" ? 443 : 80)

/** By which the service may know it; `undefined` where it cannot be a content's. */
export const urlOf = ({ authority, path, protocol }: Target): ContentUrl.ContentUrl | undefined => {
  const parsed = ContentUrl.parse(`${protocol}//${authority}${path}`)
  return Result.isSuccess(parsed) ? parsed.success : undefined
}

const bare = (hostname: string): string => hostname.replace(/^\[(.*)\]$/, "$1")
