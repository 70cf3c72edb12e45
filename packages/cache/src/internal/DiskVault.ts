/** Contents on disk, each in a folder of its own; see PieceCache for the files in it and what holds for them. */
import type { ContentId } from "@piecework/domain/Content"
import * as Digest from "@piecework/domain/Digest"
import { maxPieceCount } from "@piecework/domain/PieceLayout"
import { PieceHasher } from "@piecework/hashing/PieceHasher"
import * as Phf from "@piecework/hashing/Phf"
import { Effect, Option, Result } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { CacheConfig } from "../CacheConfig.ts"
import { openFile } from "./DiskFile.ts"
import { openPlace } from "./DiskPlace.ts"
import { makeFolder, makeRoot, readSmall, readWhole, removeFolder } from "./folders.ts"
import { type IoFailure, io, toCacheError, unless } from "./io.ts"
import * as names from "./names.ts"
import type { Vault } from "./Vault.ts"

export const make: Effect.Effect<Vault, never, CacheConfig | PieceHasher> = Effect.gen(function* () {
  const root = path.resolve((yield* CacheConfig).directory)
  const hasher = yield* PieceHasher
  const folderOf = (id: ContentId) => path.join(root, id)

  const load = Effect.fnUntraced(function* (id: ContentId): Effect.fn.Return<Option.Option<Phf.Phf>, IoFailure> {
    const bytes = yield* readSmall(folderOf(id), "phf", Phf.maxBytes)
    if (bytes === undefined) return Option.none()
    return Option.filter(
      Result.getSuccess(Phf.decode(bytes, { maxPieceSize: Phf.maxPieceSize })),
      (phf) => phf.contentId === id
    )
  })

  /** Written in place and only when it differs: whoever writes it at the same time writes the same bytes. */
  const keepPhf = Effect.fnUntraced(function* (phf: Phf.Phf) {
    const file = yield* openFile(path.join(folderOf(phf.contentId), "phf"), "own")
    const bytes = Phf.encode(phf)
    if (file.size === bytes.length && Digest.equals(yield* readWhole(file), bytes)) return
    yield* file.write(bytes, 0)
    yield* file.truncate(bytes.length)
  }, Effect.scoped)

  /** Gone with one step, so that what is left when it ends half way is no content any more. */
  const removeContent = Effect.fnUntraced(function* (id: ContentId): Effect.fn.Return<void, IoFailure> {
    const away = path.join(root, names.deleted())
    const wasThere = yield* io(() => fs.rename(folderOf(id), away)).pipe(Effect.as(true), unless(["ENOENT"], false))
    if (wasThere) yield* removeFolder(away)
  })

  /** Somebody may delete the content between two steps: then all of them are made again. */
  const open = (phf: Phf.Phf) =>
    makeRoot(root).pipe(
      Effect.andThen(makeFolder(folderOf(phf.contentId))),
      Effect.andThen(keepPhf(phf)),
      Effect.andThen(openPlace(folderOf(phf.contentId), phf, hasher)),
      Effect.retry({ times: 3, while: ({ code }) => code === "ENOENT" })
    )

  return {
    open: (phf) => Effect.mapError(open(phf), toCacheError("open", phf.contentId)),

    entries: io(() => fs.readdir(root, { withFileTypes: true })).pipe(
      unless(["ENOENT"], []),
      Effect.map((entries) => entries.filter(({ name }) => !names.isDeleted(name))),
      Effect.map((entries) => entries.map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }))),
      Effect.mapError(toCacheError("list"))
    ),

    load: (id) => Effect.mapError(load(id), toCacheError("load", id)),

    record: (phf) =>
      readSmall(folderOf(phf.contentId), "held", maxPieceCount).pipe(
        Effect.map((bytes) => bytes ?? new Uint8Array(0)),
        Effect.mapError(toCacheError("list", phf.contentId))
      ),

    remove: (id) => Effect.mapError(removeContent(id), toCacheError("remove", id)),

    tidy: io(() => fs.readdir(root)).pipe(
      unless(["ENOENT"], []),
      Effect.flatMap((all) =>
        Effect.forEach(all.filter(names.isDeleted), (name) => removeFolder(path.join(root, name)))
      ),
      Effect.mapError(toCacheError("remove")),
      Effect.asVoid
    )
  }
})
