/** The cache over a vault: who shares an open content, and what the records say. */
import * as Content from "@piecework/domain/Content"
import type { ContentId } from "@piecework/domain/Content"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import type { Phf } from "@piecework/hashing/Phf"
import { Effect, Equal, Exit, Hash, Option, RcMap, Scope, Semaphore } from "effect"
import { CacheError } from "../CacheError.ts"
import type { CachedContent, ForeignEntry, PieceCache } from "../PieceCache.ts"
import type { StoredContent } from "../StoredContent.ts"
import { makeStored } from "./makeStored.ts"
import { partialsFolder } from "./names.ts"
import type { Entry, Vault } from "./Vault.ts"

/** Contents whose records are read at a time. */
const scans = 4

/** A PHF as the key of its content: the id says all of it. */
class Key implements Equal.Equal {
  readonly phf: Phf
  constructor(phf: Phf) {
    this.phf = phf
  }
  [Equal.symbol](that: Equal.Equal): boolean {
    return that instanceof Key && that.phf.contentId === this.phf.contentId
  }
  [Hash.symbol](): number {
    return Hash.string(this.phf.contentId)
  }
}

export const makeCache = Effect.fnUntraced(function* (
  vault: Vault
): Effect.fn.Return<PieceCache["Service"], never, Scope.Scope> {
  /** How often each content is open; a content being closed still counts. */
  const openings = new Map<ContentId, number>()
  /** Opening and removing take turns. */
  const turn = Semaphore.makeUnsafe(1)

  const counted = (id: ContentId) =>
    Effect.acquireRelease(
      Effect.sync(() => openings.set(id, (openings.get(id) ?? 0) + 1)),
      () =>
        Effect.sync(() => {
          const left = (openings.get(id) ?? 1) - 1
          if (left === 0) openings.delete(id)
          else openings.set(id, left)
        })
    )

  const shared = yield* RcMap.make({
    lookup: ({ phf }: Key): Effect.Effect<StoredContent, CacheError, Scope.Scope> =>
      turn
        .withPermit(Effect.andThen(counted(phf.contentId), vault.open(phf)))
        .pipe(Effect.map((place) => makeStored(phf, place)))
  })

  const open = Effect.fn("PieceCache.open")(function* (phf: Phf) {
    // A failure must not stay for those who come later, so its share of the map ends at once, not with the caller.
    const scope = yield* Scope.fork(yield* Effect.scope)
    return yield* RcMap.get(shared, new Key(phf)).pipe(
      Scope.provide(scope),
      Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
    )
  })

  /** One that cannot be read must not hide the others. */
  const summarise = (entry: Entry) =>
    summariseReadable(entry).pipe(
      Effect.catch((error): Effect.Effect<ForeignEntry> =>
        Effect.as(Effect.logWarning(error), { name: entry.name, reason: "Unreadable" })
      )
    )

  const summariseReadable = Effect.fnUntraced(function* (
    entry: Entry
  ): Effect.fn.Return<CachedContent | ForeignEntry | undefined, CacheError> {
    const { name } = entry
    if (name === partialsFolder) return undefined
    const id = Content.parse(name)
    if (Option.isNone(id)) return { name, reason: "NotAContent" }
    if (!entry.isFolder) return { name, reason: "NotAFolder" }
    const phf = yield* vault.load(id.value)
    if (Option.isNone(phf)) return { name, reason: "DamagedPhf" }
    const { layout } = phf.value
    const record = yield* vault.record(phf.value)
    let heldPieces = 0
    let heldBytes = 0
    for (const piece of layout.indices()) {
      if (record[piece] !== 1) continue
      heldPieces++
      heldBytes += layout.length(piece as PieceIndex)
    }
    return {
      contentId: id.value,
      contentSize: layout.contentSize,
      heldBytes,
      heldPieces,
      pieceCount: layout.pieceCount,
      complete: heldPieces === layout.pieceCount
    }
  })

  const survey = Effect.flatMap(vault.entries, Effect.forEach(summarise, { concurrency: scans }))

  return {
    open,
    list: Effect.map(survey, (found) => found.filter((one) => one !== undefined && "contentId" in one)).pipe(
      Effect.withSpan("PieceCache.list")
    ),
    foreign: Effect.map(survey, (found) => found.filter((one) => one !== undefined && "reason" in one)).pipe(
      Effect.withSpan("PieceCache.foreign")
    ),
    load: Effect.fn("PieceCache.load")(vault.load),
    remove: Effect.fn("PieceCache.remove")((id: ContentId) =>
      turn.withPermit(
        Effect.suspend(() =>
          openings.has(id)
            ? new CacheError({ operation: "remove", code: "EBUSY", contentId: id, cause: new Error("it is open") })
            : vault.remove(id)
        )
      )
    ),
    drop: Effect.fn("PieceCache.drop")((id: ContentId) =>
      turn.withPermit(
        Effect.gen(function* () {
          const keys = [...(yield* RcMap.keys(shared))].filter(({ phf }) => phf.contentId === id)
          yield* Effect.forEach(keys, (key) => RcMap.invalidate(shared, key))
          yield* vault.remove(id)
        })
      )
    ),
    tidy: vault.tidy
  }
})
