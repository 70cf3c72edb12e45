/**
 * Where the pieces of a content lie while it is fetched and served, and what becomes of them: in the cache and within its rules,
 * or, where the disk of the cache has no room, beside the destination for as long as the download lasts.
 */
import type { CacheError } from "@piecework/cache/CacheError"
import { CacheKeeper } from "@piecework/cache/CacheKeeper"
import { PieceCache } from "@piecework/cache/PieceCache"
import type { StoredContent } from "@piecework/cache/StoredContent"
import type { Policies } from "@piecework/cloud/ContentPolicyRpcs"
import * as Bitfield from "@piecework/domain/Bitfield"
import type { Phf } from "@piecework/hashing/Phf"
import { Effect, Option, Schedule, Scope } from "effect"
import type { DestinationError, StorageError } from "./DownloadError.ts"
import type { DownloadRequest } from "./DownloadRequest.ts"
import * as Room from "./Room.ts"
import * as Storage from "./Storage.ts"
import * as Terms from "./Terms.ts"

/** How often the cache is kept within its rules while a download runs. */
const keepEvery = "1 minute"

export interface Kept {
  readonly store: StoredContent
  /** Makes the complete content appear at its destination. */
  readonly deliver: Effect.Effect<void, DestinationError | StorageError>
}

export interface Keeping {
  /** A place for the content, for as long as the scope lasts. */
  readonly open: (
    phf: Phf,
    policies: Policies | undefined
  ) => Effect.Effect<Kept, DestinationError | StorageError, PieceCache | Scope.Scope>
}

/**
 * Of one download. Without a keeper the cache has no rules. When the scope of this closes, which has to be after those of what was
 * opened, the cache is kept within its rules once more: what is not to be kept may go now that nobody has it open.
 */
export const make = Effect.fn("Keeping.make")(function* (
  keeper: Option.Option<CacheKeeper["Service"]>,
  request: Pick<DownloadRequest, "path" | "overwrite" | "link">
): Effect.fn.Return<Keeping, never, Scope.Scope> {
  const { link = false, overwrite, path } = request
  let isKept = false
  if (Option.isSome(keeper)) {
    yield* Effect.addFinalizer(() => (isKept ? lettingGo(keeper.value.keep()) : Effect.void))
  }

  const open = Effect.fnUntraced(function* (phf: Phf, policies: Policies | undefined) {
    const cache = yield* PieceCache
    const { contentId, layout } = phf
    const size = layout.contentSize
    const openIn = (where: PieceCache["Service"]) => Effect.mapError(where.open(phf), Storage.fromCache)
    const inCache = yield* openIn(cache)
    const missing = size - bytesOf(inCache.held(), phf)
    const aside = yield* Room.find(keeper, { missing, size, path })
    if (Option.isSome(aside)) {
      const store = yield* openIn(aside.value.cache)
      // Nothing is in it, and nothing is going to be.
      if (missing === size) yield* Effect.ignore(cache.drop(contentId))
      const deliver = Effect.mapError(store.export(path, { overwrite, link: true }), Storage.fromExport)
      return { store, deliver }
    }

    isKept = true
    const terms = Terms.keeping(policies)
    if (Option.isSome(keeper)) {
      const { hold, keep, note } = keeper.value
      yield* hold(contentId)
      yield* note(contentId, terms, false)
      const pass = Effect.suspend(() => lettingGo(keep(size - bytesOf(inCache.held(), phf))))
      yield* Effect.forkScoped(Effect.repeat(pass, Schedule.spaced(keepEvery)))
    }
    const put = (isLinked: boolean) => inCache.export(path, { overwrite, link: isLinked })
    const deliver = put(link).pipe(
      // There is no room for a copy: then the file is given away, where both are on one disk.
      Effect.catchIf(
        ({ reason }) => reason === "DiskFull" && !link,
        () => Effect.andThen(put(true), Effect.ignore(cache.drop(contentId)))
      ),
      Effect.mapError(Storage.fromExport),
      Effect.tap(() => (Option.isSome(keeper) ? keeper.value.note(contentId, terms, missing > 0) : Effect.void))
    )
    return { store: inCache, deliver }
  })
  return { open }
})

/** A cache that cannot be kept within its rules now is no reason for a download to fail. */
const lettingGo = <A>(pass: Effect.Effect<A, CacheError>): Effect.Effect<void> =>
  Effect.catch(Effect.asVoid(pass), (error) => Effect.logWarning(error.message))

const bytesOf = (held: Bitfield.Bitfield, { layout }: Phf): number => {
  let bytes = 0
  for (const piece of Bitfield.pieces(held)) bytes += layout.length(piece)
  return bytes
}
