/**
 * The files of jobs. A file is made as a draft beside its destination and then put there, never over another one. Each file has an
 * identity, so that after a crash a job knows whether the file at its destination is its own.
 */
import { Context, Effect, FileSystem, Layer, Option, Path, type PlatformError } from "effect"
import * as disk from "./internal/disk.ts"
import { system, type SystemErrorName } from "./JobError.ts"
import type { JobId } from "./JobStatus.ts"

export class JobFiles extends Context.Service<
  JobFiles,
  {
    /** Where the file of this job lies until it is complete. */
    readonly draftOf: (destination: string, id: JobId) => string
    /** The number of why no file can be put there; `undefined` when one can. */
    readonly obstacle: (destination: string) => Effect.Effect<number | undefined>
    /** `undefined` when there is no such file. */
    readonly identity: (path: string) => Effect.Effect<string | undefined>
    /** Puts the draft into its place; the number of what is wrong is the failure. */
    readonly deliver: (draft: string, destination: string) => Effect.Effect<void, number>
    /** What is not there is no trouble. */
    readonly remove: (path: string) => Effect.Effect<void>
  }
>()("@piecework/jobs/JobFiles") {
  static readonly layer: Layer.Layer<JobFiles, never, FileSystem.FileSystem | Path.Path> = Layer.effect(
    JobFiles,
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const paths = yield* Path.Path

      const identity = (path: string) =>
        fs.stat(path).pipe(
          // Neither a link nor a rename changes any of these.
          Effect.map(
            ({ dev, ino, mtime, size }) =>
              `${dev}:${Option.getOrElse(ino, () => 0n)}:${size}:${Option.match(mtime, { onNone: () => 0, onSome: (time) => time.getTime() })}`
          ),
          Effect.catch(() => Effect.succeed(undefined))
        )

      return JobFiles.of({
        draftOf: (destination, id) => paths.join(paths.dirname(destination), `.piecework-${id}`),
        obstacle: Effect.fn("JobFiles.obstacle")(function* (destination) {
          const { folder, isWritable, there } = yield* disk.lookAt(destination, paths.dirname(destination))
          if (folder instanceof Error) return numberOfWord(folder.code)
          if (!folder.isDirectory()) return system("ENOTDIR")
          if (!(there instanceof Error)) return system(there.isDirectory() ? "EISDIR" : "EEXIST")
          if (there.code !== "ENOENT") return numberOfWord(there.code)
          return isWritable ? undefined : system("EACCES")
        }),
        identity,
        deliver: Effect.fn("JobFiles.deliver")(function* (draft, destination) {
          const linked = yield* Effect.result(fs.link(draft, destination))
          if (linked._tag === "Success") return yield* Effect.ignore(disk.unlink(draft))
          const number = numberOf(linked.failure)
          if (number !== system("EIO") && number !== system("EACCES")) return yield* Effect.fail(number)
          // A file system without hard links: nothing is there a moment before, which is the best that can be said.
          if ((yield* identity(destination)) !== undefined) return yield* Effect.fail(system("EEXIST"))
          yield* Effect.mapError(fs.rename(draft, destination), numberOf)
        }),
        remove: (path) =>
          Effect.catch(disk.unlink(path), (error) =>
            Effect.logWarning(`${path} could not be removed: ${error.message}`)
          )
      })
    })
  )

  /** Files that are names in a map, by path, each with an identity. */
  static readonly layerMemory = (files: Map<string, string>): Layer.Layer<JobFiles> =>
    Layer.succeed(JobFiles, {
      draftOf: (destination, id) => `${destination}.${id}`,
      obstacle: (destination) => Effect.sync(() => (files.has(destination) ? system("EEXIST") : undefined)),
      identity: (path) => Effect.sync(() => files.get(path)),
      deliver: (draft, destination) =>
        Effect.suspend(() => {
          const file = files.get(draft)
          if (file === undefined) return Effect.fail(system("ENOENT"))
          if (files.has(destination)) return Effect.fail(system("EEXIST"))
          files.set(destination, file)
          files.delete(draft)
          return Effect.void
        }),
      remove: (path) => Effect.sync(() => void files.delete(path))
    })
}

const byTag: { readonly [tag: string]: SystemErrorName } = {
  AlreadyExists: "EEXIST",
  NotFound: "ENOENT",
  PermissionDenied: "EACCES"
}

/** The system's own word for it, or the nearest that there is a number for. */
const numberOf = (error: PlatformError.PlatformError): number => {
  const { cause } = error.reason
  const word = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined
  return numberOfWord(word, byTag[error.reason._tag])
}

const numberOfWord = (word: unknown, otherwise: SystemErrorName = "EIO"): number => {
  const known = (["ENOENT", "EACCES", "EEXIST", "ENOTDIR", "EISDIR", "ENOSPC", "ENAMETOOLONG"] as const).find(
    (name) => name === word
  )
  return system(known ?? otherwise)
}
