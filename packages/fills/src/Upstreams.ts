/** The ways to a file: the cache servers above this one, in their order, and its origin as the last. */
import type { CacheHost } from "@piecework/cachehosts/CacheHost"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { Context, Effect, Layer } from "effect"

/** One way. */
export interface Upstream {
  readonly kind: "Parent" | "Origin"
  /** What is asked for there: at a parent, the file's URL with the parent's host and `cacheHostOrigin`. */
  readonly url: ContentUrl
  /** Who is asked; the same for all files. */
  readonly name: string
  /** The parent, where it is one that `CacheHosts` knows. */
  readonly cache?: CacheHost | undefined
}

/** What came of asking one. */
export type Failure =
  /** No connection, or no answer in time. */
  | { readonly _tag: "Unreachable"; readonly detail: string }
  /** It does not serve this origin: a 4xx. */
  | { readonly _tag: "Status"; readonly status: number }
  /** A 5xx, a broken connection, an answer that makes no sense. */
  | { readonly _tag: "Broken"; readonly detail: string }

export class Upstreams extends Context.Service<
  Upstreams,
  {
    /** The ways that may be tried now, the best first; the origin is the last of them. Does not wait for the network. */
    readonly ways: (url: ContentUrl) => Effect.Effect<ReadonlyArray<Upstream>>
    /** Tells what came of asking for the file; whoever is banned for it is not in `ways` then. */
    readonly failed: (upstream: Upstream, url: ContentUrl, failure: Failure) => Effect.Effect<void>
  }
>()("@piecework/fills/Upstreams") {
  /** Nobody but the origin is asked. */
  static readonly layerOrigin: Layer.Layer<Upstreams> = Layer.succeed(Upstreams, {
    ways: (url) => Effect.succeed([originOf(url)]),
    failed: () => Effect.void
  })
}

export const originOf = (url: ContentUrl): Upstream => ({ kind: "Origin", url, name: new URL(url).origin })
