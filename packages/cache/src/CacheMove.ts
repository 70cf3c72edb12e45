/**
 * Takes the contents of one cache folder along to another. On one file system a content is renamed; else its verified pieces are
 * copied, and it is deleted when all of them are there. A kill in between costs nothing but time: pieces that arrived are found, and
 * what was not deleted is taken along the next time. Several processes may do it at once, and other ones use both folders.
 *
 * A content that is being downloaded or served stays until that is over. One that is in both folders becomes one.
 */
import { type ContentId, parse } from "@piecework/domain/Content"
import * as Bitfield from "@piecework/domain/Bitfield"
import { PieceHasher } from "@piecework/hashing/PieceHasher"
import { Context, Effect, Layer, Option, type Scope } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { layer as configLayer } from "./CacheConfig.ts"
import type { CacheError } from "./CacheError.ts"
import * as claims from "./internal/claims.ts"
import { makeFolder, makeRoot, removeFolder } from "./internal/folders.ts"
import { io, toCacheError, unless } from "./internal/io.ts"
import * as leftPartials from "./internal/leftPartials.ts"
import { partialsFolder } from "./internal/names.ts"
import * as Notes from "./internal/Notes.ts"
import { PieceCache } from "./PieceCache.ts"

export interface Move {
  readonly from: string
  readonly to: string
}

/** What there is still to do. */
export interface Rest {
  /** Contents that have to be copied. */
  readonly copies: number
  /** Contents in use, which have to wait. */
  readonly inUse: number
}

export const isOver = ({ copies, inUse }: Rest): boolean => copies === 0 && inUse === 0

/** Moves what a renaming can move: takes no longer for large contents than for small ones. A folder that is not there is empty. */
export const rename = Effect.fn("CacheMove.rename")(function* (move: Move): Effect.fn.Return<Rest, CacheError> {
  let copies = 0
  let inUse = 0
  for (const item of yield* itemsIn(move)) {
    if (item.isInUse) inUse++
    else if (!(yield* item.rename)) copies++
  }
  return { copies, inUse }
})

/** Moves the rest, by copying. Contents that did not get there stay where they are, and the failure is told. */
export const copy = Effect.fn("CacheMove.copy")(function* (
  move: Move
): Effect.fn.Return<Rest, CacheError, PieceHasher | Scope.Scope> {
  let inUse = 0
  const [old, anew] = yield* Effect.all([cacheIn(move.from), cacheIn(move.to)])
  for (const item of yield* itemsIn(move)) {
    if (item.isInUse) inUse++
    else if (!(yield* item.rename)) yield* item.copy(old, anew)
  }
  return { copies: 0, inUse }
}, Effect.scoped)

const cacheIn = (directory: string) =>
  Effect.map(Layer.build(Layer.fresh(PieceCache.layer.pipe(Layer.provide(configLayer({ directory }))))), (built) =>
    Context.get(built, PieceCache)
  )

interface Item {
  readonly isInUse: boolean
  /** False when it takes a copy. */
  readonly rename: Effect.Effect<boolean, CacheError>
  readonly copy: (old: PieceCache["Service"], anew: PieceCache["Service"]) => Effect.Effect<void, CacheError>
}

const itemsIn = Effect.fnUntraced(
  function* ({ from, to }: Move) {
    yield* makeRoot(to)
    const notes = Notes.make(from)
    const items: Array<Item> = []
    const entries = yield* io(() => fs.readdir(from, { withFileTypes: true })).pipe(unless(["ENOENT"], []))
    for (const entry of entries) {
      const id = Option.getOrUndefined(parse(entry.name))
      if (id === undefined || !entry.isDirectory()) continue
      items.push(content({ from, to }, id, (yield* notes.read(id)).isInUse))
    }
    for (const { isInUse, partial: name } of yield* leftPartials.list(from)) {
      items.push(partial({ from, to }, name, isInUse))
    }
    return items
  },
  Effect.mapError(toCacheError("list"))
)

/** True once it is there under the new name, or gone; false when only a copy brings it there. */
const renamed = (from: string, to: string) =>
  io(() => fs.rename(from, to)).pipe(
    Effect.as(true),
    unless(["ENOENT"], true),
    unless(["EXDEV", "ENOTEMPTY", "EEXIST", "EPERM"], false)
  )

const content = ({ from, to }: Move, id: ContentId, isInUse: boolean): Item => ({
  isInUse,
  rename: Effect.mapError(renamed(path.join(from, id), path.join(to, id)), toCacheError("keep", id)),
  copy: Effect.fnUntraced(function* (old, anew) {
    const phf = yield* old.load(id)
    // Without its hashes nothing in it can be told to be right; somebody may mend them.
    if (Option.isNone(phf)) return
    yield* Effect.scoped(
      Effect.gen(function* () {
        const source = yield* old.open(phf.value)
        const target = yield* anew.open(phf.value)
        yield* source.verifyHeld
        const there = yield* target.verifyHeld
        const { layout } = phf.value
        const buffer = new Uint8Array(layout.pieceSize)
        for (const piece of Bitfield.pieces(source.verified())) {
          if (Bitfield.has(there, piece)) continue
          const bytes = buffer.subarray(0, layout.length(piece))
          yield* source.read(piece, 0, bytes).pipe(
            Effect.andThen(target.put(piece, bytes)),
            // It went bad between two looks: then it is left behind.
            Effect.catchTags({ NotHeld: () => Effect.void, PieceMismatch: () => Effect.void })
          )
        }
        yield* Effect.mapError(takeNotes({ from, to }, id), toCacheError("keep", id))
      })
    )
    yield* old.drop(id)
  })
})

/** What is remembered of a content goes with it, unless something is remembered there. */
const takeNotes = Effect.fnUntraced(function* ({ from, to }: Move, id: ContentId) {
  for (const name of Notes.lasting) {
    const file = path.join(from, id, name)
    const stats = yield* Notes.statOf(file)
    if (stats?.isFile() !== true || stats.size > Notes.maxBytes) continue
    const target = path.join(to, id, name)
    yield* io(async () => {
      await fs.copyFile(file, target, fs.constants.COPYFILE_EXCL)
      await fs.utimes(target, stats.mtimeMs / 1000, stats.mtimeMs / 1000)
    }).pipe(unless(["EEXIST", "ENOENT"], undefined))
  }
})

/** The partial file of a download in Simple mode: taken as one who goes on with it would, so that nobody does meanwhile. */
const partial = ({ from, to }: Move, name: string, isInUse: boolean): Item => {
  const shelf = path.join(to, partialsFolder)
  const place = path.join(from, partialsFolder, name)
  const key = claims.keyOf(name)
  return {
    isInUse,
    rename: Effect.mapError(
      key === undefined
        ? Effect.succeed(true)
        : Effect.andThen(makeFolder(shelf), renamed(place, path.join(shelf, key))),
      toCacheError("keep")
    ),
    copy: () =>
      Effect.gen(function* () {
        if (key === undefined) return
        const mine = path.join(from, partialsFolder, claims.ownName(key))
        const isMine = yield* io(() => fs.rename(place, mine)).pipe(Effect.as(true), unless(["ENOENT"], false))
        if (!isMine) return
        const there = path.join(shelf, claims.ownName(key))
        yield* io(() => fs.cp(mine, there, { recursive: true, preserveTimestamps: true }))
        // One that is there already is as good: what is in either is hashed before it is believed.
        if (!(yield* renamed(there, path.join(shelf, key)))) yield* removeFolder(there)
        yield* removeFolder(mine)
      }).pipe(Effect.mapError(toCacheError("keep")))
  }
}
