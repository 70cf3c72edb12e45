/**
 * The cookie that a session is in, and when a request with it is believed to come from the console's own page. A browser sends the cookie with
 * whatever any page makes it send; it is looked at only in requests that no other page can make it send: with a header of ours, for which
 * a browser would first have to ask the service from elsewhere, and from the host by which the service was reached. `SameSite` alone would not do:
 * for it all ports of a machine are one site.
 */
import * as ConsoleSession from "@piecework/cloud/ConsoleSession"

type Header = string | ReadonlyArray<string> | undefined
type Headers = { readonly [name: string]: Header }

/** Over HTTPS no page of another host and none over plain HTTP can set or read it. Source: RFC 6265bis, section 4.1.3.2. */
const nameOf = (isEncrypted: boolean): string => (isEncrypted ? "__Host-piecework" : "piecework")

const attributes = (isEncrypted: boolean): string => `Path=/; HttpOnly; SameSite=Strict${isEncrypted ? "; Secure" : ""}`

/** For `set-cookie`: the token of a session that lasts so many seconds. */
export const set = (token: string, seconds: number, isEncrypted: boolean): string =>
  `${nameOf(isEncrypted)}=${token}; Max-Age=${seconds}; ${attributes(isEncrypted)}`

export const clear = (isEncrypted: boolean): string => `${nameOf(isEncrypted)}=; Max-Age=0; ${attributes(isEncrypted)}`

/** The token of the session with which the console's page sent this; nothing for whatever may be of another page. */
export const of = (headers: Headers, way: Way): string | undefined =>
  isOwnPage(headers, way) ? tokenIn(headers["cookie"]?.toString(), nameOf(way.isEncrypted)) : undefined

/** How the request came. */
export interface Way {
  readonly isEncrypted: boolean
  /** What the operator says that the service's URL is, if anything. */
  readonly publicUrl: string | undefined
}

export const isOwnPage = (headers: Headers, { publicUrl }: Way): boolean => {
  if (headers[ConsoleSession.header] !== "1") return false
  const site = headers["sec-fetch-site"]
  if (site !== undefined && site !== "same-origin") return false
  const origin = headers["origin"]?.toString()
  // A browser leaves it out where nothing is changed.
  if (origin === undefined) return true
  if (!URL.canParse(origin)) return false
  const { host } = new URL(origin)
  // A proxy may have another name for the service than the browser.
  return host === headers["host"]?.toString().toLowerCase() || host === hostOf(publicUrl)
}

const hostOf = (url: string | undefined): string | undefined =>
  url !== undefined && URL.canParse(url) ? new URL(url).host : undefined

const tokenIn = (cookies: string | undefined, name: string): string | undefined => {
  for (const part of (cookies ?? "").split(";")) {
    const text = part.trim()
    if (text.startsWith(`${name}=`)) return text.slice(name.length + 1)
  }
  return undefined
}
