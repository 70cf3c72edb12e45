/**
 * Partial files on disk: a folder for each in `<directory>/simple/`, with the bytes in `data` and 32 bytes a piece in
 * `digests`, which are written after the piece. Whose folder it is: see claims.
 */
import * as Digest from "@piecework/domain/Digest"
import { maxPieceCount } from "@piecework/domain/PieceLayout"
import { type HasherError, PieceHasher } from "@piecework/hashing/PieceHasher"
import { Clock, Effect, type Scope } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { CacheConfig } from "../CacheConfig.ts"
import type { PartialKey } from "../PartialFile.ts"
import * as claims from "./claims.ts"
import { briefSlot } from "./briefSlot.ts"
import { deliver, deliverBytes } from "./deliver.ts"
import { type DiskFile, openFile } from "./DiskFile.ts"
import { digestAt } from "./digestAt.ts"
import { makeFolder, makeRoot, readWhole, removeFolder } from "./folders.ts"
import { type IoFailure, io, toCacheError, toExportError, unless } from "./io.ts"
import * as names from "./names.ts"
import type { Shelf, Slot } from "./Shelf.ts"

const maxDigests = maxPieceCount * Digest.length

export const make: Effect.Effect<Shelf, never, CacheConfig | PieceHasher> = Effect.gen(function* () {
  const root = path.resolve((yield* CacheConfig).directory)
  const hasher = yield* PieceHasher
  const shelf = path.join(root, names.partialsFolder)

  return {
    open: (key) =>
      makeRoot(root).pipe(
        Effect.andThen(makeFolder(shelf)),
        Effect.andThen(Effect.acquireRelease(takeFolder(shelf, key), (folder) => leaveFolder(shelf, key, folder))),
        Effect.flatMap((folder) => openSlot(folder, hasher)),
        Effect.mapError(toCacheError("open"))
      ),
    brief: () => briefSlot((bytes, to, overwrite) => deliverBytes({ bytes, path: to, overwrite }))
  }
})

/** A folder for the key that is ours alone: the one with most in it of those that nobody has, else a new one. */
const takeFolder = Effect.fnUntraced(function* (shelf: string, key: PartialKey): Effect.fn.Return<string, IoFailure> {
  const now = yield* Clock.currentTimeMillis
  let best = { folder: path.join(shelf, claims.ownName(key)), size: 0 }
  for (const name of yield* io(() => fs.readdir(shelf))) {
    const state = claims.stateOf(key, name)
    if (state === undefined || state === "Taken") continue
    if (state === "AskTime" && !(yield* isSilent(path.join(shelf, name), now))) continue
    const folder = path.join(shelf, claims.ownName(key))
    const taken = io(() => fs.rename(path.join(shelf, name), folder))
    // Somebody was quicker.
    if (!(yield* taken.pipe(Effect.as(true), unless(["ENOENT"], false)))) continue
    const found = { folder, size: yield* recordedSize(folder) }
    const isBetter = found.size > best.size
    yield* removeFolder(isBetter ? best.folder : found.folder)
    if (isBetter) best = found
  }
  if (best.size === 0) yield* makeFolder(best.folder)
  return best.folder
})

const statOf = (file: string) => io(() => fs.lstat(file)).pipe(unless(["ENOENT", "ENOTDIR"], undefined))

const isSilent = (folder: string, now: number): Effect.Effect<boolean, IoFailure> =>
  Effect.map(Effect.all([statOf(folder), statOf(path.join(folder, "data"))]), (found) =>
    found.every((stats) => stats === undefined || now - stats.mtimeMs > claims.silenceLimit)
  )

/**
 * Bytes of digests in a folder; 0 when there is nothing in it to go on with: it is no folder of ours, or its data is the
 * finished file, whose second name was not deleted any more. That file is somebody's by now and must not be touched.
 */
const recordedSize = Effect.fnUntraced(function* (folder: string): Effect.fn.Return<number, IoFailure> {
  if ((yield* statOf(folder))?.isDirectory() !== true) return 0
  const data = yield* statOf(path.join(folder, "data"))
  const digests = yield* statOf(path.join(folder, "digests"))
  return data?.isFile() === true && data.nlink === 1 && digests?.isFile() === true ? digests.size : 0
})

/** Gives the folder back with what is in it. When another left theirs meanwhile, or nothing is in it, it goes. */
const leaveFolder = (shelf: string, key: PartialKey, folder: string): Effect.Effect<void> =>
  recordedSize(folder).pipe(
    Effect.flatMap((size) =>
      size === 0
        ? removeFolder(folder)
        : io(() => fs.rename(folder, path.join(shelf, key))).pipe(
            Effect.as(true),
            unless(["ENOTEMPTY", "EEXIST", "EPERM"], false),
            Effect.flatMap((left) => (left ? Effect.void : removeFolder(folder)))
          )
    ),
    // It keeps its name then, and is found by the next process.
    Effect.catch(({ code }) => Effect.logWarning("could not put a partial file away", { folder, code }))
  )

/**
 * Cuts a file that was longer when it was opened, and leaves any other alone: ext4 takes a file that is cut to nothing, even an
 * empty one, for a replacement under way, and writes all of it to the disk when it is closed.
 */
const shorten = (file: DiskFile, size: number): Effect.Effect<void, IoFailure> =>
  file.size > size ? file.truncate(size) : Effect.void

const openSlot = Effect.fnUntraced(function* (
  folder: string,
  hasher: PieceHasher["Service"]
): Effect.fn.Return<Slot, IoFailure, Scope.Scope> {
  const data = yield* openFile(path.join(folder, "data"), "own")
  const record = yield* openFile(path.join(folder, "digests"), "own")
  if (record.size > maxDigests) yield* record.truncate(0)
  const remove = removeFolder(folder)

  return {
    size: data.size,
    digests: record.size > maxDigests ? new Uint8Array(0) : yield* readWhole(record),
    write: (piece, bytes, position) =>
      data
        .use((fd) =>
          record.use((digests) =>
            hasher.write({ bytes, fd, position, record: { fd: digests, position: piece * Digest.length } })
          )
        )
        .pipe(
          Effect.catchTags({
            IoFailure: (failure) => toCacheError("put")(failure),
            WriteFailed: (failure) => toCacheError("put")(failure),
            HasherError: (cause: HasherError) => toCacheError("put")({ cause }),
            PieceMismatch: (mismatch) => Effect.die(mismatch)
          })
        ),
    digestAt: (position, length) => Effect.mapError(digestAt(hasher, data, position, length), toCacheError("verify")),
    cut: (size, pieces) =>
      Effect.andThen(shorten(record, pieces * Digest.length), shorten(data, size)).pipe(
        Effect.mapError(toCacheError("verify"))
      ),
    place: (size, destination, overwrite) =>
      data.truncate(size).pipe(
        Effect.mapError(toExportError(destination)),
        Effect.andThen(deliver({ source: data, size, path: destination, overwrite, share: true, hasher })),
        Effect.andThen(
          // The file is where it should be; what stays behind is not worth a failure.
          remove.pipe(
            Effect.catch(({ code }) => Effect.logWarning("could not delete a finished partial file", { folder, code }))
          )
        )
      ),
    remove: Effect.mapError(remove, toCacheError("remove"))
  }
})
