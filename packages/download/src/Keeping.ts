/**
 * Where the pieces of a content lie while it is fetched and served, and what becomes of them: in the cache and within its rules,
 * or, where the disk of the cache has no room, beside the destination for as long as the download lasts.
 */
import type { CacheError, ExportError } from "@piecework/cache/CacheError"
import { CacheKeeper } from "@piecework/cache/CacheKeeper"
import { PartialFiles } from "@piecework/cache/PartialFile"
import { PieceCache } from "@piecework/cache/PieceCache"
import type { StoredContent } from "@piecework/cache/StoredContent"
import type { Policies } from "@piecework/cloud/ContentPolicyRpcs"
import * as Bitfield from "@piecework/domain/Bitfield"
import type { Phf } from "@piecework/hashing/Phf"
import { Effect, Option, Schedule, Scope } from "effect"
import type { Part } from "./ByteRanges.ts"
import type { DestinationError, StorageError } from "./DownloadError.ts"
import type { DownloadRequest } from "./DownloadRequest.ts"
import * as PartFile from "./PartFile.ts"
import * as Room from "./Room.ts"
import * as Storage from "./Storage.ts"
import * as Terms from "./Terms.ts"

/** How often the cache is kept within its rules while a download runs. */
const keepEvery = "1 minute"

export interface Kept {
  readonly store: StoredContent
  /** Makes the complete content appear at its destination. */
  readonly deliver: Effect.Effect<void, DestinationError | StorageError>
  /** Notes that the content is complete, if it has become so; `deliver` does it too. */
  readonly noteComplete: Effect.Effect<void>
}

export interface Keeping {
  /** A place for the content, or for what is wanted of it, for as long as the scope lasts. */
  readonly open: (
    phf: Phf,
    policies: Policies | undefined,
    part?: Part
  ) => Effect.Effect<Kept, DestinationError | StorageError, PieceCache | PartialFiles | Scope.Scope>
}

/**
 * Of one download. Without a keeper the cache has no rules. When the scope of this closes, which has to be after those of what was
 * opened, the cache is kept within its rules once more: what is not to be kept may go now that nobody has it open.
 */
export const make = Effect.fn("Keeping.make")(function* (
  keeper: Option.Option<CacheKeeper["Service"]>,
  request: Pick<DownloadRequest, "overwrite" | "link"> & {
    /** Where it goes; what is opened to be read goes nowhere. */
    readonly path?: string | undefined
    /** Beside this file there is a place for it where the cache has no room. Default: beside where it goes. */
    readonly beside?: string | undefined
  }
): Effect.fn.Return<Keeping, never, Scope.Scope> {
  const { link = false, overwrite, path } = request
  const { beside = path } = request
  let isKept = false
  if (Option.isSome(keeper)) {
    yield* Effect.addFinalizer(() => (isKept ? lettingGo(keeper.value.keep()) : Effect.void))
  }

  const open = Effect.fnUntraced(function* (phf: Phf, policies: Policies | undefined, part?: Part) {
    const cache = yield* PieceCache
    const partials = yield* PartialFiles
    const { contentId, layout } = phf
    const size = part?.pieceBytes ?? layout.contentSize
    const bytesOf = (held: Bitfield.Bitfield) => bytesIn(held, phf, part)
    type Deliver = Effect.Effect<void, ExportError | DestinationError | StorageError>
    const put = (store: StoredContent, where: PartialFiles["Service"], isLinked: boolean): Deliver => {
      if (path === undefined) return Effect.void
      if (part === undefined) return store.export(path, { overwrite, link: isLinked })
      const writing = PartFile.write({ store, part, path, overwrite: overwrite ?? false })
      return Effect.provideService(writing, PartialFiles, where)
    }
    const openIn = (where: PieceCache["Service"]) => Effect.mapError(where.open(phf), Storage.fromCache)
    const inCache = yield* openIn(cache)
    const missing = size - bytesOf(inCache.held())
    const wasIncomplete = Bitfield.count(inCache.held()) < layout.pieceCount
    const aside = yield* Room.find(keeper, { missing, size, path: beside })
    if (Option.isSome(aside)) {
      const store = yield* openIn(aside.value.cache)
      // Nothing is in it, and nothing is going to be.
      if (Bitfield.count(inCache.held()) === 0) yield* Effect.ignore(cache.drop(contentId))
      const deliver = Effect.mapError(put(store, aside.value.partials, true), toDownload)
      return { store, deliver, noteComplete: Effect.void }
    }

    isKept = true
    const terms = Terms.keeping(policies)
    if (Option.isSome(keeper)) {
      const { hold, keep, note } = keeper.value
      yield* hold(contentId)
      yield* note(contentId, terms, false)
      const pass = Effect.suspend(() => lettingGo(keep(size - bytesOf(inCache.held()))))
      yield* Effect.forkScoped(Effect.repeat(pass, Schedule.spaced(keepEvery)))
    }
    const noteComplete = Effect.suspend(() => {
      const isComplete = Bitfield.count(inCache.held()) === layout.pieceCount
      return Option.isSome(keeper) ? keeper.value.note(contentId, terms, wasIncomplete && isComplete) : Effect.void
    })
    const deliver = put(inCache, partials, link).pipe(
      // There is no room for a copy: then the file is given away, where both are on one disk.
      Effect.catchIf(
        (error) => error._tag === "ExportError" && error.reason === "DiskFull" && !link,
        () => Effect.andThen(put(inCache, partials, true), Effect.ignore(cache.drop(contentId)))
      ),
      Effect.mapError(toDownload),
      Effect.tap(noteComplete)
    )
    return { store: inCache, deliver, noteComplete }
  })
  return { open }
})

/** A cache that cannot be kept within its rules now is no reason for a download to fail. */
const lettingGo = <A>(pass: Effect.Effect<A, CacheError>): Effect.Effect<void> =>
  Effect.catch(Effect.asVoid(pass), (error) => Effect.logWarning(error))

/** Bytes in the pieces that are held, of the part if there is one. */
const bytesIn = (held: Bitfield.Bitfield, { layout }: Phf, part: Part | undefined): number => {
  let bytes = 0
  for (const piece of Bitfield.pieces(held)) {
    if (part === undefined || Bitfield.has(part.pieces, piece)) bytes += layout.length(piece)
  }
  return bytes
}

const toDownload = (error: ExportError | DestinationError | StorageError): DestinationError | StorageError =>
  error._tag === "ExportError" ? Storage.fromExport(error) : error
