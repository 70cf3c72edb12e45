/**
 * Brings a complete file of the cache to its destination, whole or not at all. It comes under a temporary name beside
 * the destination first: as a second name of the same file, as a reflink, or as a copy, whichever is wanted and the
 * file system can. One step then gives it its real name. The temporary name is gone afterwards, however it ended.
 */
import type { HasherError, PieceHasher, WriteFailed } from "@piecework/hashing/PieceHasher"
import { Effect } from "effect"
import { constants } from "node:fs"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import type { ExportError } from "../CacheError.ts"
import type { DiskFile } from "./DiskFile.ts"
import { IoFailure, failureOf, io, toExportError, unless } from "./io.ts"
import * as names from "./names.ts"

/**
 * Bytes copied by a worker in one go: some milliseconds, so that the trips do not matter, an interrupted copy stops soon
 * and pieces that are to be hashed meanwhile get their turn.
 */
const sectionSize = 8 * 1024 * 1024

/** Sections under way: enough for every worker (at most 4 by default) to have one waiting. */
const sectionsInFlight = 8

interface Source {
  readonly source: DiskFile
  /** Bytes of the source that make the file. */
  readonly size: number
  /** Whose workers copy. */
  readonly hasher: PieceHasher["Service"]
}

export interface Delivery extends Source {
  /** The destination as the caller named it. */
  readonly path: string
  readonly overwrite: boolean
  /** Whether the destination may be the same file as the source. */
  readonly share: boolean
}

/** Answers whether source and destination are one file now. */
export const deliver = (delivery: Delivery): Effect.Effect<boolean, ExportError> =>
  Effect.suspend(() => {
    const target = path.resolve(delivery.path)
    const temporary = path.join(path.dirname(target), names.temporary(path.basename(target)))
    return checkTarget(target, delivery.overwrite).pipe(
      Effect.andThen(
        Effect.acquireUseRelease(
          Effect.succeed(temporary),
          () =>
            Effect.tap(bring(delivery, delivery.share, temporary), () =>
              delivery.overwrite ? io(() => fs.rename(temporary, target)) : giveName(temporary, target)
            ),
          removeFile
        )
      ),
      Effect.mapError(toExportError(delivery.path))
    )
  })

/** The same of a file that is in memory and small: where it may replace what is there, one step less than `deliver` takes. */
export const deliverBytes = ({ bytes, overwrite, path: named }: BytesDelivery): Effect.Effect<void, ExportError> =>
  Effect.suspend(() => {
    const target = path.resolve(named)
    const temporary = path.join(path.dirname(target), names.temporary(path.basename(target)))
    const written = io(() => fs.writeFile(temporary, bytes, { flag: "wx" }))
    const appears = overwrite
      ? io(() => fs.rename(temporary, target))
      : Effect.andThen(giveName(temporary, target), removeFile(temporary))
    // Looked at beside the writing, which is soon done: one trip to another thread less to wait for.
    const both = Effect.all([checkTarget(target, overwrite), written], { concurrency: "unbounded", discard: true })
    return Effect.uninterruptible(Effect.onError(Effect.andThen(both, appears), () => removeFile(temporary))).pipe(
      Effect.mapError(toExportError(named))
    )
  })

export interface BytesDelivery extends Pick<Delivery, "path" | "overwrite"> {
  readonly bytes: Uint8Array
}

/** Puts a copy of the first `size` bytes in the place of `target`. */
export const duplicate = (from: Source, target: string): Effect.Effect<void, IoFailure> =>
  Effect.acquireUseRelease(
    Effect.sync(() => path.join(path.dirname(target), names.temporary(path.basename(target)))),
    (temporary) =>
      Effect.andThen(
        bring(from, false, temporary),
        io(() => fs.rename(temporary, target))
      ),
    removeFile
  )

/** Tells early what the last step would tell too, before a long copy. */
const checkTarget = Effect.fnUntraced(function* (
  target: string,
  overwrite: boolean
): Effect.fn.Return<void, IoFailure> {
  const stats = yield* io(() => fs.lstat(target)).pipe(unless(["ENOENT"], undefined))
  if (stats === undefined || (overwrite && !stats.isDirectory())) return
  return yield* new IoFailure({ code: "EEXIST", cause: new Error(`EEXIST: ${target} exists`) })
})

/** The file under its temporary name; true when it is the source itself. */
const bring = Effect.fnUntraced(function* (
  from: Source,
  share: boolean,
  temporary: string
): Effect.fn.Return<boolean, IoFailure> {
  const { source, size } = from
  if (share && (yield* tried(source, size, temporary, () => fs.link(source.path, temporary)))) return true
  const reflink = () => fs.copyFile(source.path, temporary, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE)
  if (!(yield* tried(source, size, temporary, reflink))) yield* copy(from, temporary)
  return false
})

/**
 * Tries a way that not every file system has. Whether it worked is looked up, not concluded: the name of the source may
 * mean another file by now (somebody emptied the cache), so its file has to be ours before and after. Why it did not
 * work does not matter, as the copy that follows meets the same obstacle or none.
 */
const tried = (
  source: DiskFile,
  size: number,
  temporary: string,
  way: () => Promise<void>
): Effect.Effect<boolean, IoFailure> =>
  Effect.gen(function* () {
    const isOurs = Effect.map(
      Effect.all([source.stat, io(() => fs.lstat(source.path, { bigint: true }))]),
      ([open, named]) => open.ino === named.ino && open.dev === named.dev
    )
    if (!(yield* isOurs)) return false
    yield* io(way)
    return (yield* isOurs) && (yield* io(() => fs.lstat(temporary))).size === size
  }).pipe(
    Effect.catch(() => Effect.succeed(false)),
    Effect.tap((worked) => (worked ? Effect.void : removeFile(temporary)))
  )

const copy = ({ source, size, hasher }: Source, temporary: string): Effect.Effect<void, IoFailure> =>
  Effect.acquireUseRelease(
    io(() => fs.open(temporary, "wx")),
    (target) => {
      const sections = Array.from({ length: Math.ceil(size / sectionSize) }, (_, n) => n * sectionSize)
      const copySection = Effect.fnUntraced(function* (position: number): Effect.fn.Return<void, IoFailure> {
        const length = Math.min(sectionSize, size - position)
        const isWhole = yield* source
          .use((from) => hasher.copy({ from, to: target.fd, position, length }))
          .pipe(Effect.catchTags({ WriteFailed: refused, HasherError: refused }))
        if (!isWhole) return yield* failureOf(new Error(`${source.path} became shorter than it was`))
      })
      return Effect.forEach(sections, copySection, { concurrency: sectionsInFlight, discard: true })
    },
    // Network file systems tell only here that the disk is full.
    (target) => io(() => target.close())
  )

const refused = ({ code, cause }: WriteFailed | HasherError): IoFailure =>
  new IoFailure(code === undefined ? { cause } : { code, cause })

/** A second name for the file, unless somebody has that name already. */
const giveName = (temporary: string, target: string): Effect.Effect<void, IoFailure> =>
  io(() => fs.link(temporary, target)).pipe(
    Effect.catch((failure) =>
      failure.code !== undefined && noSecondNames.has(failure.code)
        ? reserveName(temporary, target)
        : Effect.fail(failure)
    )
  )

/** What file systems say that have no hard links (FAT, some network shares), or no more of them. */
const noSecondNames = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK", "EXDEV"])

/** Takes the name with an empty file, which fails when it is taken, and puts the file in its place. */
const reserveName = (temporary: string, target: string): Effect.Effect<void, IoFailure> =>
  Effect.uninterruptible(
    io(() => fs.open(target, "wx").then((handle) => handle.close())).pipe(
      Effect.andThen(
        Effect.onError(
          io(() => fs.rename(temporary, target)),
          () => removeFile(target)
        )
      )
    )
  )

/** Nothing there is fine. A file that stays behind is told: it takes space, and nobody will look for it. */
const removeFile = (file: string): Effect.Effect<void> =>
  io(() => fs.unlink(file)).pipe(
    Effect.catch((failure) =>
      io(() => fs.lstat(file)).pipe(
        Effect.andThen(Effect.logWarning("could not delete a temporary file", { file, code: failure.code })),
        // Then it is not there.
        Effect.ignore
      )
    )
  )
