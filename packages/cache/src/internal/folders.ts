/** Folders of the cache: made for this user alone, never through a link. */
import * as Folders from "@piecework/host/Folders"
import { Effect } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { type DiskFile, openFile } from "./DiskFile.ts"
import { IoFailure, io, unless } from "./io.ts"

const forUsAlone = 0o700

/** The folder above all others. It may be a link: that is the operator's choice. */
export const makeRoot = (root: string): Effect.Effect<void, IoFailure> =>
  Effect.asVoid(io(() => Folders.make(root, { mode: forUsAlone })))

/** A folder inside the cache, made when missing; fails with ELOOP or ENOTDIR when something else has its name. */
export const makeFolder = (folder: string): Effect.Effect<void, IoFailure> =>
  io(() => fs.mkdir(folder, { mode: forUsAlone })).pipe(
    unless(["EEXIST"], undefined),
    Effect.andThen(checkFolder(folder))
  )

/** Fails unless a folder, and not a link to one, lies there. */
export const checkFolder = Effect.fnUntraced(function* (folder: string): Effect.fn.Return<void, IoFailure> {
  const stats = yield* io(() => fs.lstat(folder))
  if (stats.isDirectory()) return
  const [code, what] = stats.isSymbolicLink() ? ["ELOOP", "a link"] : ["ENOTDIR", "no folder"]
  return yield* new IoFailure({ code, cause: new Error(`${code}: ${folder} is ${what}`) })
})

/** Deletes a folder with what is in it; a link is deleted, not followed. Nothing there is fine. */
export const removeFolder = (folder: string): Effect.Effect<void, IoFailure> =>
  io(() => fs.rm(folder, { recursive: true, force: true }))

/**
 * The bytes of a file in a folder of the cache; `undefined` when nothing lies there that could be one of ours: no
 * such file, a link, something that is no regular file, or more than `maxSize` bytes.
 */
export const readSmall = (
  folder: string,
  name: string,
  maxSize: number
): Effect.Effect<Uint8Array | undefined, IoFailure> =>
  checkFolder(folder).pipe(
    Effect.andThen(openFile(path.join(folder, name), "look")),
    Effect.flatMap((file) => (file.size > maxSize ? Effect.undefined : readWhole(file))),
    Effect.scoped,
    unless(["ENOENT", "ENOTDIR", "ELOOP", "EISDIR", "EINVAL", "ENXIO"], undefined)
  )

/** All bytes the file had when it was opened, fewer when it shrank since. */
export const readWhole = (file: DiskFile): Effect.Effect<Uint8Array, IoFailure> =>
  Effect.suspend(() => {
    const bytes = new Uint8Array(file.size)
    return Effect.map(file.read(bytes, 0), (length) => bytes.subarray(0, length))
  })
