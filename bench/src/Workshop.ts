/** The folder that a scenario works in: on one disk, with room enough, gone afterwards. */
import { Effect, FileSystem, Schema } from "effect"
import { statfs } from "node:fs/promises"
import { freemem } from "node:os"
import { ProgramError } from "./Meter.ts"
import * as TestFile from "./TestFile.ts"

export class WorkshopError extends Schema.TaggedError<WorkshopError>()("WorkshopError", {
  reason: Schema.Literals(["NoFolder", "NoRoom"]),
  folder: Schema.String,
  /** With `NoRoom`: bytes that are wanted. */
  bytes: Schema.optionalKey(Schema.Natural),
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return this.reason === "NoFolder"
      ? `No folder to work in can be made (${this.folder}); set TMPDIR.`
      : `The bench wants ${Math.ceil((this.bytes ?? 0) / 1e6)} MB of disk under ${this.folder}, and there is less; take a smaller --size or set TMPDIR.`
  }
}

interface OpenOptions {
  readonly directory?: string
  readonly prefix?: string
  /** Whether it stays when the scope closes. */
  readonly keep?: boolean
}

/** A temporary folder with room for `bytes`, under TMPDIR unless told where; removed with the scope. */
export const open = Effect.fn("Workshop.open")(function* (
  bytes: number,
  { directory, keep = false, prefix = "piecework-bench-" }: OpenOptions = {}
) {
  const fs = yield* FileSystem.FileSystem
  const noFolder = (folder: string) => (cause: unknown) => new WorkshopError({ reason: "NoFolder", folder, cause })
  const options = { prefix, ...(directory === undefined ? {} : { directory }) }
  const root = yield* (keep ? fs.makeTempDirectory(options) : fs.makeTempDirectoryScoped(options)).pipe(
    Effect.mapError((cause) => noFolder(cause.message)(cause))
  )
  const disk = yield* Effect.tryPromise({ try: () => statfs(root), catch: noFolder(root) })
  if (disk.bavail * disk.bsize < bytes) return yield* new WorkshopError({ reason: "NoRoom", folder: root, bytes })
  return root
})

/** A folder in memory, on Linux. */
export const memory = "/dev/shm"

/**
 * The same in memory, where `bytes` fit in half of what is free: devices that have one disk between them would wait for
 * it, and each has its own in life.
 */
export const openFast = Effect.fn("Workshop.openFast")(function* (bytes: number, prefix: string, keep = false) {
  const room = yield* Effect.promise(() =>
    statfs(memory).then(
      (disk) => disk.bavail * disk.bsize,
      () => 0
    )
  )
  return yield* open(bytes, { prefix, keep, ...(bytes < Math.min(room, freemem()) / 2 ? { directory: memory } : {}) })
})

/** A folder for one run of a program, removed with the scope. */
export const room = Effect.fnUntraced(function* (root: string, name: string) {
  const fs = yield* FileSystem.FileSystem
  return yield* fs
    .makeTempDirectoryScoped({ directory: root, prefix: "run-" })
    .pipe(Effect.mapError((cause) => new ProgramError({ name, reason: "NotStarted", detail: cause.message, cause })))
})

/** Fails unless the file that a program made is the original. */
export const verify = Effect.fnUntraced(function* (name: string, path: string, original: TestFile.TestFile) {
  const sha256 = yield* TestFile.hash(path).pipe(
    Effect.mapError((cause) => new ProgramError({ name, reason: "WrongBytes", detail: cause.message, cause }))
  )
  if (sha256 === original.sha256) return
  return yield* new ProgramError({ name, reason: "WrongBytes", detail: "the SHA-256 of its file differs" })
})
