/**
 * A cache server as a source: asked as the origin is, at a URL that says which origin that is (`CacheUrl`). It stands at the site, so
 * no proxy is used on the way to it: where curl would use that of the environment for any host that `no_proxy` does not name, it
 * would fetch over the site's line what lies beside the client. It gets no headers of the caller's but harmless ones, unless they
 * were given for a URL on its very own server (`Access`). A redirect is not followed: wherever it leads, it is not the cache server.
 */
import type { ContentUrl, ContentUrlError } from "@piecework/domain/ContentUrl"
import type { BufferPool } from "@piecework/hashing/BufferPool"
import { Duration, Effect } from "effect"
import * as CacheUrl from "./CacheUrl.ts"
import { prefix } from "./CacheServerId.ts"
import type { HttpClient, Way } from "./HttpClient.ts"
import * as Origin from "./Origin.ts"
import { SourceId } from "./PieceSource.ts"

export interface CacheServer extends Origin.Origin {
  readonly kind: "CacheServer"
}

/** Longest time to connect. Source: spec.md §3.4, §7.3. */
export const connectTimeout = Duration.seconds(3)

/** How requests to one go. */
export const way: Way = { isDirect: true, connectTimeout, isFollowing: false }

/** The usual name of the source: what follows is scheme, host and port. */
export const idOf = ({ host, port, protocol }: CacheUrl.CacheAddress): SourceId =>
  SourceId.make(`${prefix}${protocol}//${host.includes(":") ? `[${host}]` : host}:${port}`)

/** Fails where the address and the URL together are none. */
export const make = Effect.fnUntraced(function* (
  cache: CacheUrl.CacheAddress,
  url: ContentUrl,
  options: Origin.OriginOptions = {}
): Effect.fn.Return<CacheServer, ContentUrlError, HttpClient | BufferPool> {
  const asked = yield* Effect.fromResult(CacheUrl.of(cache, url))
  const source = yield* Origin.make(asked, { id: idOf(cache), ...options, kind: "CacheServer", way })
  return { ...source, kind: "CacheServer" }
})
