/**
 * Jobs that outlive the process. A record is on the disk when `put` answers: written aside, flushed, renamed, and the folder flushed, so a
 * crash at any instant leaves the old record or the new one. What cannot be read is set aside and told of; it never keeps the others from going on.
 */
import { randomBytes } from "node:crypto"
import { Context, Effect, FileSystem, Layer, Option, Path, type PlatformError, Schema } from "effect"
import * as disk from "./internal/disk.ts"
import * as JobRecord from "./JobRecord.ts"
import { JobId } from "./JobStatus.ts"

export class JobStoreError extends Schema.TaggedError<JobStoreError>()("JobStoreError", {
  operation: Schema.Literals(["put", "remove", "load"]),
  directory: Schema.String,
  isFull: Schema.Boolean,
  cause: Schema.Defect()
}) {
  override get message(): string {
    const what = this.operation === "load" ? "read" : "written"
    return `The jobs in ${this.directory} cannot be ${what}${this.isFull ? ": the disk is full" : ""}.`
  }
}

export interface Mark {
  readonly id: JobId
  /** Absolute. */
  readonly destination: string
}

export class JobStore extends Context.Service<
  JobStore,
  {
    /** Answers once the record cannot be lost any more. */
    readonly put: (record: JobRecord.JobRecord) => Effect.Effect<void, JobStoreError>
    /** What is not there is no trouble. */
    readonly remove: (id: JobId) => Effect.Effect<void, JobStoreError>
    /**
     * Remembers where a job that is not kept is about to make a file, until `unmark`: an agent that finds it after a crash can tell what
     * nobody wants any more. It is written soon, not for certain.
     */
    readonly mark: (id: JobId, destination: string) => Effect.Effect<void, JobStoreError>
    readonly unmark: (id: JobId) => Effect.Effect<void, JobStoreError>
    /** What an earlier process remembered. */
    readonly marks: Effect.Effect<ReadonlyArray<Mark>, JobStoreError>
    /** At most so many; those beyond stay where they are. */
    readonly load: (most: number) => Effect.Effect<ReadonlyArray<JobRecord.JobRecord>, JobStoreError>
  }
>()("@piecework/jobs/JobStore") {
  /** One file a job in this folder, which is made when needed, for its owner alone: header lines may hold secrets. */
  static readonly layer = (directory: string): Layer.Layer<JobStore, never, FileSystem.FileSystem | Path.Path> =>
    Layer.effect(JobStore, make(directory))

  static readonly layerMemory = (records: Map<JobId, string> = new Map()): Layer.Layer<JobStore> =>
    Layer.succeed(JobStore, {
      put: (record) => Effect.sync(() => void records.set(record.id, JobRecord.encode(record))),
      remove: (id) => Effect.sync(() => void records.delete(id)),
      mark: () => Effect.void,
      unmark: () => Effect.void,
      marks: Effect.succeed([]),
      load: (most) =>
        Effect.sync(() =>
          [...records.values()].flatMap((text) => Option.toArray(JobRecord.decode(text))).slice(0, most)
        )
    })
}

const idOf = (name: string) => Schema.decodeUnknownOption(JobId)(name.replace(/\.json$/, ""))

/** A mark is a link that leads to the destination: one call to the system, and there whole or not at all. Nobody follows it. */
const markEnd = ".mark"

const make = Effect.fnUntraced(function* (directory: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const at = (name: string) => path.join(directory, name)
  const failed = (operation: JobStoreError["operation"]) => (cause: PlatformError.PlatformError) =>
    new JobStoreError({ operation, directory, isFull: isFull(cause), cause })

  const flush = (name: string, flag: "r" | "r+") =>
    Effect.scoped(Effect.flatMap(fs.open(name, { flag }), (file) => file.sync))
  const flushFolder = flush(directory, "r")

  const setAside = Effect.fnUntraced(function* (name: string, why: string) {
    yield* Effect.logWarning(`The job in ${at(name)} is set aside as ${name}.broken: ${why}.`)
    yield* fs.rename(at(name), at(`${name}.broken`))
  })

  const read = Effect.fnUntraced(function* (name: string) {
    const { size, type } = yield* fs.stat(at(name))
    if (type !== "File") return yield* Effect.as(setAside(name, "it is no file"), Option.none())
    if (size > BigInt(JobRecord.maxBytes)) return yield* Effect.as(setAside(name, "it is too long"), Option.none())
    const text = yield* fs.readFileString(at(name))
    const record = JobRecord.decode(text)
    if (Option.isSome(record) && `${record.value.id}.json` === name) return record
    if (JobRecord.isNewer(text)) {
      yield* Effect.logWarning(`The job in ${at(name)} is left alone: a newer version of this program wrote it.`)
      return Option.none()
    }
    return yield* Effect.as(setAside(name, "it is no job"), Option.none())
  })

  return JobStore.of({
    put: Effect.fn("JobStore.put")(
      function* (record) {
        yield* fs.makeDirectory(directory, { recursive: true, mode: 0o700 })
        const name = at(`${record.id}.json`)
        const draft = `${name}.${randomBytes(4).toString("hex")}.draft`
        yield* fs.writeFileString(draft, JobRecord.encode(record), { mode: 0o600 }).pipe(
          Effect.andThen(flush(draft, "r+")),
          Effect.andThen(fs.rename(draft, name)),
          Effect.onError(() => Effect.ignore(fs.remove(draft)))
        )
        yield* flushFolder
      },
      Effect.uninterruptible,
      Effect.mapError(failed("put"))
    ),
    remove: Effect.fn("JobStore.remove")(
      function* (id) {
        if (!(yield* fs.exists(at(`${id}.json`)))) return
        yield* fs.remove(at(`${id}.json`), { force: true })
        yield* flushFolder
      },
      Effect.uninterruptible,
      Effect.mapError(failed("remove"))
    ),
    mark: Effect.fn("JobStore.mark")(
      function* (id, destination) {
        const link = disk.symlink(destination, at(`${id}${markEnd}`))
        // The folder is there but for the first time.
        yield* Effect.catchIf(
          link,
          ({ code }) => code === "ENOENT",
          () => Effect.andThen(fs.makeDirectory(directory, { recursive: true, mode: 0o700 }), link)
        )
      },
      Effect.mapError(
        (cause) => new JobStoreError({ operation: "put", directory, isFull: isFullWord(wordOf(cause)), cause })
      )
    ),
    unmark: Effect.fn("JobStore.unmark")(
      (id) => disk.unlink(at(`${id}${markEnd}`)),
      Effect.mapError((cause) => new JobStoreError({ operation: "remove", directory, isFull: false, cause }))
    ),
    marks: Effect.gen(function* () {
      if (!(yield* fs.exists(directory))) return []
      const found: Array<Mark> = []
      for (const name of yield* fs.readDirectory(directory)) {
        const id = name.endsWith(markEnd) ? Option.getOrUndefined(idOf(name.slice(0, -markEnd.length))) : undefined
        if (id === undefined) continue
        const destination = Option.getOrUndefined(yield* Effect.option(disk.readlink(at(name))))
        if (destination !== undefined && path.isAbsolute(destination)) found.push({ id, destination })
        // What says nothing is of no use.
        else yield* Effect.ignore(disk.unlink(at(name)))
      }
      return found
    }).pipe(Effect.mapError(failed("load"))),
    load: Effect.fn("JobStore.load")(
      function* (most) {
        if (!(yield* fs.exists(directory))) return []
        const found: Array<JobRecord.JobRecord> = []
        let left = 0
        for (const name of (yield* fs.readDirectory(directory)).toSorted()) {
          // What a process was writing when it ended: nobody was told that it is kept.
          if (name.endsWith(".draft")) yield* Effect.ignore(fs.remove(at(name)))
          if (!name.endsWith(".json") || Option.isNone(idOf(name))) continue
          if (found.length >= most) {
            left++
            continue
          }
          const record = yield* read(name).pipe(
            Effect.catch((error) =>
              Effect.as(Effect.logWarning(`The job in ${at(name)} cannot be read: ${error.message}`), Option.none())
            )
          )
          if (Option.isSome(record)) found.push(record.value)
        }
        if (left > 0) yield* Effect.logWarning(`${left} jobs in ${directory} are left alone: there are too many.`)
        return found
      },
      Effect.mapError(failed("load"))
    )
  })
})

const isFull = ({ reason: { cause } }: PlatformError.PlatformError): boolean => isFullWord(wordOf(cause))

/** The system's own word for what went wrong, if it has one. */
const wordOf = (cause: unknown): unknown =>
  typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined

const isFullWord = (word: unknown): boolean => word === "ENOSPC" || word === "EDQUOT"
