/** The ways to a file over the cache servers that `CacheHosts` knows: the one that it chooses, then the origin. Bans are its own. */
import type { CacheHost } from "@piecework/cachehosts/CacheHost"
import { CacheHosts } from "@piecework/cachehosts/CacheHosts"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import * as CacheUrl from "@piecework/sources/CacheUrl"
import { Effect, Layer, Result } from "effect"
import { originOf, type Upstream, Upstreams } from "./Upstreams.ts"

export const layer: Layer.Layer<Upstreams, never, CacheHosts> = Layer.effect(
  Upstreams,
  Effect.map(CacheHosts, (hosts) => ({
    ways: (url) =>
      Effect.map(hosts.choose(url), (choice) => {
        const parent = choice._tag === "Use" ? parentOf(choice.cache, url) : undefined
        return parent === undefined ? [originOf(url)] : [parent, originOf(url)]
      }),
    failed: ({ cache }, url, failure) => (cache === undefined ? Effect.void : hosts.failed(cache, url, failure))
  }))
)

/** `undefined` where the parent's URL would be too long. */
const parentOf = (cache: CacheHost, url: ContentUrl): Upstream | undefined => {
  const asked = CacheUrl.of(cache, url)
  if (Result.isFailure(asked)) return undefined
  return { kind: "Parent", url: asked.success, name: new URL(asked.success).origin, cache }
}
