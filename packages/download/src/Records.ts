/**
 * What was downloaded, one record a content: kept beside the cache so that a later process can tell where the bytes
 * came from. A record is a JSON file that is replaced whole; one that cannot be read is left out and counted.
 */
import { ContentId, parse } from "@piecework/domain/Content"
import { ContentUrl } from "@piecework/domain/ContentUrl"
import { DownloadMode } from "@piecework/domain/DownloadMode"
import { BytesBySource } from "@piecework/domain/SourceKind"
import {
  Context,
  Effect,
  FileSystem,
  HashMap,
  Layer,
  Option,
  Path,
  type PlatformError,
  Random,
  Ref,
  Result,
  Schema
} from "effect"
import { Fallback } from "./DownloadError.ts"

export class RecordsError extends Schema.TaggedError<RecordsError>()("RecordsError", {
  operation: Schema.Literals(["list", "put", "remove"]),
  directory: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `The records in ${this.directory} cannot be ${this.operation === "list" ? "read" : "written"}.`
  }
}

export class DownloadRecord extends Schema.Class<DownloadRecord>("@piecework/download/DownloadRecord")({
  contentId: ContentId,
  url: ContentUrl,
  path: Schema.String,
  fileBytes: Schema.Natural,
  mode: DownloadMode,
  why: Fallback,
  bytes: BytesBySource,
  /** The cache server that some of them came from, as `http://host[:port]`; of several the last. */
  cacheHost: Schema.optionalKey(Schema.String),
  wasted: Schema.Natural,
  /** Content bytes given to peers, by all processes so far. */
  sent: Schema.Natural,
  durationMillis: Schema.Natural,
  /** When the file was complete, epoch milliseconds. */
  completedAt: Schema.Natural
}) {}

const Text = Schema.fromJsonString(Schema.toCodecJson(DownloadRecord))
const decode = Schema.decodeUnknownResult(Text)
const encode = Schema.encodeSync(Text)

/** A record is a few hundred bytes; nothing larger is read. */
const maxBytes = 65_536n

export interface Listing {
  readonly records: ReadonlyArray<DownloadRecord>
  /** Files that are no records. */
  readonly damaged: number
}

export class Records extends Context.Service<
  Records,
  {
    readonly list: Effect.Effect<Listing, RecordsError>
    /**
     * Keeps the record in the place of an older one of the same content; what that says was sent is added to it, and where
     * it says the bytes came from stays when this time all of them were in the cache.
     */
    readonly put: (record: DownloadRecord) => Effect.Effect<void, RecordsError>
    /** Adds to what the content's record says was sent; false when there is none. */
    readonly addSent: (content: ContentId, bytes: number) => Effect.Effect<boolean, RecordsError>
    /** Forgets the content's record; without one nothing happens. */
    readonly remove: (content: ContentId) => Effect.Effect<void, RecordsError>
  }
>()("@piecework/download/Records") {
  static readonly layer = (directory: string): Layer.Layer<Records, never, FileSystem.FileSystem | Path.Path> =>
    Layer.effect(Records, makeFiles(directory))

  static readonly layerMemory: Layer.Layer<Records> = Layer.effect(
    Records,
    Effect.map(Ref.make(HashMap.empty<ContentId, DownloadRecord>()), (all) =>
      Records.of({
        list: Effect.map(Ref.get(all), (map) => ({ records: [...HashMap.values(map)], damaged: 0 })),
        put: (record) =>
          Ref.update(all, (map) => {
            const older = HashMap.get(map, record.contentId)
            return HashMap.set(map, record.contentId, succeeding(record, older))
          }),
        addSent: (content, bytes) =>
          Ref.modify(all, (map) => [
            HashMap.has(map, content),
            HashMap.modify(map, content, (record) => withSent(record, bytes))
          ]),
        remove: (content) => Ref.update(all, HashMap.remove(content))
      })
    )
  )
}

const withSent = (record: DownloadRecord, bytes: number): DownloadRecord =>
  new DownloadRecord({ ...record, sent: record.sent + bytes })

/** A file that was there already came from where its bytes came from the first time. */
const succeeding = (record: DownloadRecord, older: Option.Option<DownloadRecord>): DownloadRecord =>
  Option.match(older, {
    onNone: () => record,
    onSome: (before) => {
      const next = withSent(record, before.sent)
      const { bytes, durationMillis, mode, wasted, why } = before
      return record.bytes.LocalCache < record.fileBytes || record.fileBytes === 0
        ? next
        : new DownloadRecord({ ...next, bytes, durationMillis, mode, wasted, why })
    }
  })

const isNotFound = (error: PlatformError.PlatformError): boolean => error.reason._tag === "NotFound"

const makeFiles = Effect.fnUntraced(function* (directory: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const fileOf = (content: ContentId) => path.join(directory, `${content}.json`)
  const refused = (operation: RecordsError["operation"]) => (cause: unknown) =>
    new RecordsError({ operation, directory, cause })

  /** `None` when the file is no record. */
  const read = Effect.fnUntraced(function* (file: string) {
    const info = yield* fs.stat(file)
    if (info.type !== "File" || info.size > maxBytes) return Option.none<DownloadRecord>()
    return Result.getSuccess(decode(yield* fs.readFileString(file)))
  })

  /** The record of a content; one that is damaged counts as none. */
  const find = Effect.fnUntraced(
    function* (content: ContentId) {
      return yield* Effect.catchIf(read(fileOf(content)), isNotFound, () => Effect.succeedNone)
    },
    Effect.mapError(refused("list"))
  )

  /** Writes the record, or what it becomes for what `older` answers meanwhile, which seldom is anything. */
  const replace = Effect.fnUntraced(function* (
    record: DownloadRecord,
    older: Effect.Effect<Option.Option<DownloadRecord>, RecordsError> = Effect.succeedNone
  ) {
    const draft = `${fileOf(record.contentId)}.${yield* Random.nextIntBetween(0, 0xffffffff)}.draft`
    const made = fs.makeDirectory(directory, { recursive: true })
    const write = (one: DownloadRecord) => {
      const written = fs.writeFileString(draft, encode(one))
      return Effect.mapError(
        Effect.catchIf(written, isNotFound, () => Effect.andThen(made, written)),
        refused("put")
      )
    }
    yield* Effect.all([older, write(record)], { concurrency: 2 }).pipe(
      Effect.flatMap(([before]) => (Option.isNone(before) ? Effect.void : write(succeeding(record, before)))),
      Effect.andThen(Effect.mapError(fs.rename(draft, fileOf(record.contentId)), refused("put"))),
      Effect.onError(() => Effect.ignore(fs.remove(draft)))
    )
  })

  return Records.of({
    list: Effect.gen(function* () {
      if (!(yield* fs.exists(directory))) return { records: [], damaged: 0 }
      const names = (yield* fs.readDirectory(directory)).filter((name) => name.endsWith(".json"))
      const found = yield* Effect.forEach(names, (name) => read(path.join(directory, name)))
      const records = found.flatMap((record) => (Option.isSome(record) ? [record.value] : []))
      return { records, damaged: names.length - records.length }
    }).pipe(Effect.mapError(refused("list"))),
    put: Effect.fn("Records.put")(function* (record) {
      yield* replace(record, find(record.contentId))
    }),
    addSent: Effect.fn("Records.addSent")(function* (content, bytes) {
      if (Option.isNone(parse(content))) return false
      const known = yield* find(content)
      if (Option.isSome(known)) yield* replace(withSent(known.value, bytes))
      return Option.isSome(known)
    }),
    remove: Effect.fn("Records.remove")(function* (content) {
      yield* Effect.mapError(fs.remove(fileOf(content), { force: true }), refused("remove"))
    })
  })
})
