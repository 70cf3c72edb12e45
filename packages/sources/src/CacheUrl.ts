/**
 * The URL under which a cache server is asked for what lies at an origin: scheme, host and port are the cache server's, path and
 * query stay as they are, and `cacheHostOrigin=<host[:port]>` is added to the query. Source: spec.md §7.1.
 *
 * That form cannot say that the origin speaks https. Of such an origin the port is said in any case, 443 where the URL has none: a cache
 * server that knows the origin as one of https asks it so, and one that does not asks a port on which nobody speaks plain http. Without
 * it the cache server would ask port 80, where another file may lie, and what is there has come without TLS.
 */
import * as ContentUrl from "@piecework/domain/ContentUrl"
import { Result } from "effect"

/** Where a cache server listens. */
export interface CacheAddress {
  /** A name or an IP address, without brackets. */
  readonly host: string
  readonly port: number
  readonly protocol: "http:" | "https:"
}

/** Fails where the two together are no URL: the host is none, or the whole is too long. */
export const of = (
  { host, port, protocol }: CacheAddress,
  url: ContentUrl.ContentUrl
): Result.Result<ContentUrl.ContentUrl, ContentUrl.ContentUrlError> => {
  const authority = `${host.includes(":") ? `[${host}]` : host}:${port}`
  const added = `${url.includes("?") ? "&" : "?"}cacheHostOrigin=${originOf(url)}`
  return ContentUrl.parse(`${protocol}//${authority}${afterHost(url)}${added}`)
}

/** What `cacheHostOrigin` says of the URL. */
export const originOf = (url: ContentUrl.ContentUrl): string => {
  const { host, hostname, port, protocol } = new URL(url)
  return protocol === "https:" ? `${hostname}:${port === "" ? 443 : port}` : host
}

/** Path and query as they are written: the URL is normalised, so the first slash after the scheme's two ends the host. */
const afterHost = (url: ContentUrl.ContentUrl): string => url.slice(url.indexOf("/", url.indexOf("://") + 3))
