/**
 * A content that the service vouches for, opened once for all who read it: its verified pieces on the drive, and its swarm for what is
 * missing, which is not asked for anything before somebody needs it. So what lies here whole is read without the service.
 */
import { CacheKeeper } from "@piecework/cache/CacheKeeper"
import { PieceCache } from "@piecework/cache/PieceCache"
import type { StoredContent } from "@piecework/cache/StoredContent"
import type { ContentId } from "@piecework/domain/Content"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import type { Contents, Opened } from "@piecework/proxy/Contents"
import { type Duration, Effect, Option, RcMap, Schema, Scope, Semaphore } from "effect"

/** The content cannot be read here. */
export class OpenContentError extends Schema.TaggedError<OpenContentError>()("OpenContentError", {
  reason: Schema.Literals(["Halted", "Failed"]),
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}

export interface OpenContent {
  readonly store: StoredContent
  /** The swarm's, joined with the first who asks. */
  readonly swarm: Effect.Effect<Opened, OpenContentError>
}

export interface ContentKey {
  readonly url: ContentUrl
  readonly contentId: ContentId
}

export interface OpenContents {
  /** Until the scope closes, and a little longer. Hashes that are not here come with the swarm. */
  readonly open: (key: ContentKey) => Effect.Effect<OpenContent, OpenContentError, Scope.Scope>
  /** The same, if its hashes are here. */
  readonly find: (key: ContentKey) => Effect.Effect<Option.Option<OpenContent>, OpenContentError, Scope.Scope>
}

const failed = (error: { readonly message: string; readonly reason?: unknown }) =>
  new OpenContentError({ reason: error.reason === "Halted" ? "Halted" : "Failed", detail: error.message })

/** `openFor`: how long one stays open that nobody reads. */
export const make = Effect.fnUntraced(function* (
  contents: Contents["Service"],
  cache: PieceCache["Service"],
  openFor: Duration.Input
): Effect.fn.Return<OpenContents, never, Scope.Scope> {
  const keeper = yield* Effect.serviceOption(CacheKeeper)
  const load = (contentId: ContentId) => Effect.mapError(cache.load(contentId), failed)
  const opened = yield* RcMap.make({
    lookup: Effect.fnUntraced(function* ({
      contentId,
      url
    }: ContentKey): Effect.fn.Return<OpenContent, OpenContentError, Scope.Scope> {
      const scope = yield* Effect.scope
      const turn = yield* Semaphore.make(1)
      let joined: Opened | undefined
      const join = Effect.suspend(() =>
        joined === undefined
          ? contents.open({ url, contentId, isWhole: false }).pipe(
              Scope.provide(scope),
              Effect.tap((got) => Effect.sync(() => void (joined = got))),
              Effect.mapError(failed)
            )
          : Effect.succeed(joined)
      )
      const swarm = turn.withPermit(join)
      const known = yield* load(contentId)
      const phf = Option.isSome(known) ? known : yield* Effect.andThen(swarm, load(contentId))
      if (Option.isNone(phf)) {
        return yield* new OpenContentError({ reason: "Failed", detail: `The cache has no hashes of ${contentId}.` })
      }
      const store = yield* Effect.mapError(cache.open(phf.value), failed)
      if (Option.isSome(keeper)) yield* keeper.value.hold(contentId)
      return { store, swarm }
    }),
    idleTimeToLive: openFor
  })
  const open: OpenContents["open"] = ({ contentId, url }) => RcMap.get(opened, { contentId, url })
  return {
    open,
    find: Effect.fnUntraced(function* (key) {
      const isOpen = yield* RcMap.has(opened, { contentId: key.contentId, url: key.url })
      if (!isOpen && Option.isNone(yield* load(key.contentId))) return Option.none()
      return Option.some(yield* open(key))
    })
  }
})
