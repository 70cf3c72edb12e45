/**
 * Contents that are being read, each opened once for all who read it, and kept open a little longer: many programs take one file in many
 * parts. With each is what its origin said of it.
 */
import type { ContentId } from "@piecework/domain/Content"
import { HttpClient } from "@piecework/sources/HttpClient"
import { Effect, RcMap, type Scope } from "effect"
import { type ContentError, Contents, type OpenOptions, type Opened } from "./Contents.ts"
import * as Look from "./Look.ts"
import { ProxyConfig } from "./ProxyConfig.ts"

export interface Looked extends Opened {
  readonly contentId: ContentId
  readonly look: Look.Look
}

export interface OpenContents {
  /** Until the scope closes, and a little longer. */
  readonly open: (options: OpenOptions & { readonly size: number }) => Effect.Effect<Looked, ContentError, Scope.Scope>
}

export const make: Effect.Effect<OpenContents, never, Contents | HttpClient | ProxyConfig | Scope.Scope> = Effect.gen(
  function* () {
    const contents = yield* Contents
    const client = yield* HttpClient
    const { lookTimeout, openFor } = yield* ProxyConfig
    const opened = yield* RcMap.make({
      lookup: ({ size, ...options }: OpenOptions & { readonly size: number }) =>
        Effect.all([contents.open(options), Look.take(options.url, size, lookTimeout)], {
          concurrency: "unbounded"
        }).pipe(
          Effect.provideService(HttpClient, client),
          Effect.map(([content, look]): Looked => ({ ...content, contentId: options.contentId, look }))
        ),
      idleTimeToLive: openFor
    })
    return {
      open: (options) =>
        Effect.tap(RcMap.get(opened, options), ({ look }) =>
          // Nobody is going to read it.
          look._tag === "Other" ? RcMap.invalidate(opened, options) : Effect.void
        )
    }
  }
)
