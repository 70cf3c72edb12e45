/**
 * What was downloaded, one record a content: kept beside the cache so that a later process can tell where the bytes
 * came from. It begins with the first bytes, and several tries of one download add up in it; what is downloaded once more after it
 * was complete begins anew. A record is a JSON file that is replaced whole; one that cannot be read is left out and counted.
 * What no content can be named for (plain HTTP that was given up, or only read) adds up in one file for all of it.
 */
import { ContentId, parse } from "@piecework/domain/Content"
import { ContentUrl } from "@piecework/domain/ContentUrl"
import { DownloadMode } from "@piecework/domain/DownloadMode"
import { BytesBySource, total } from "@piecework/domain/SourceKind"
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
import * as Passed from "./Passed.ts"

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
  /** When the file was complete, epoch milliseconds; absent while it is not. */
  completedAt: Schema.optionalKey(Schema.Natural),
  // Records of earlier versions have none of what follows.
  /** All that came in, what was wasted included, by all tries. */
  received: Schema.optionalKey(BytesBySource),
  /** `sent` by kind of peer. */
  sentTo: Schema.optionalKey(Passed.ByPeer),
  connections: Schema.optionalKey(Passed.Passed.fields.connections),
  /** Most peers that were connected at once. */
  peers: Schema.optionalKey(Schema.Natural),
  priority: Schema.optionalKey(Schema.Literals(["Foreground", "Background"])),
  /** Who asked for it. */
  caller: Schema.optionalKey(Schema.String)
}) {}

const Text = Schema.fromJsonString(Schema.toCodecJson(DownloadRecord))
const decode = Schema.decodeUnknownResult(Text)
const encode = Schema.encodeSync(Text)
const OthersText = Schema.fromJsonString(Schema.toCodecJson(Passed.Passed))
const decodeOthers = Schema.decodeUnknownResult(OthersText)
const encodeOthers = Schema.encodeSync(OthersText)

/** A record is a few hundred bytes; nothing larger is read. */
const maxBytes = 65_536n

export interface Listing {
  readonly records: ReadonlyArray<DownloadRecord>
  /** Files that are no records. */
  readonly damaged: number
  /** What passed for no content that has a name. */
  readonly others: Passed.Passed
}

/** How something is added to a record. */
export interface Adding {
  /** It is the first of its download: a record that is complete begins anew with it. Default false. */
  readonly begins?: boolean | undefined
  /** The record where there is none yet, once something came in. Default none is made. */
  readonly first?: DownloadRecord | undefined
}

/** What passed since something was added for the last time, and how that is added. */
export interface Last extends Adding {
  readonly more: Passed.Passed
}

export class Records extends Context.Service<
  Records,
  {
    readonly list: Effect.Effect<Listing, RecordsError>
    /** Another number after each change that this process made. */
    readonly version: () => number
    /**
     * Keeps the record in the place of an older one of the same content; what that says was sent is added to it, and where
     * it says the bytes came from stays when this time all of them were in the cache. What passed last is added before, in the same go.
     */
    readonly put: (record: DownloadRecord, last?: Last) => Effect.Effect<void, RecordsError>
    /** Adds to what the content's record says passed; false when there is none. */
    readonly add: (content: ContentId, more: Passed.Passed, how?: Adding) => Effect.Effect<boolean, RecordsError>
    /** Adds to what passed for no content that has a name. */
    readonly addOthers: (more: Passed.Passed) => Effect.Effect<void, RecordsError>
    /** Forgets the content's record; without one nothing happens. */
    readonly remove: (content: ContentId) => Effect.Effect<void, RecordsError>
  }
>()("@piecework/download/Records") {
  static readonly layer = (directory: string): Layer.Layer<Records, never, FileSystem.FileSystem | Path.Path> =>
    Layer.effect(Records, makeFiles(directory))

  static readonly layerMemory: Layer.Layer<Records> = Layer.effect(
    Records,
    Effect.gen(function* () {
      const all = yield* Ref.make(HashMap.empty<ContentId, DownloadRecord>())
      const others = yield* Ref.make(Passed.none)
      let version = 0
      const changed = <A>(effect: Effect.Effect<A>) => Effect.tap(effect, () => Effect.sync(() => version++))
      return Records.of({
        version: () => version,
        list: Effect.gen(function* () {
          return { records: [...HashMap.values(yield* Ref.get(all))], damaged: 0, others: yield* Ref.get(others) }
        }),
        put: (record, last) =>
          changed(
            Ref.update(all, (map) => {
              const older = withLast(HashMap.get(map, record.contentId), last)
              return HashMap.set(map, record.contentId, succeeding(record, older))
            })
          ),
        add: (content, more, how = {}) =>
          changed(
            Ref.modify(all, (map) => {
              const next = added(HashMap.get(map, content), more, how)
              return [next !== undefined, next === undefined ? map : HashMap.set(map, content, next)]
            })
          ),
        addOthers: (more) => changed(Ref.update(others, (sum) => Passed.plus(sum, more))),
        remove: (content) => changed(Ref.update(all, HashMap.remove(content)))
      })
    })
  )
}

/** What the record says passed. One of an earlier version knows only what became of it, and what was sent in all. */
export const passedOf = (record: DownloadRecord): Passed.Passed => ({
  received: record.received ?? { ...record.bytes, LocalCache: 0 },
  sentTo: record.sentTo ?? Passed.none.sentTo,
  connections: record.connections ?? Passed.none.connections,
  wasted: record.wasted,
  millis: record.durationMillis
})

/** The record with more; `undefined` where there is none and none begins. */
const added = (
  known: Option.Option<DownloadRecord>,
  more: Passed.Passed,
  { begins = false, first }: Adding
): DownloadRecord | undefined => {
  const before = Option.getOrUndefined(known)
  const hasCome = Passed.receivedBytes(more) > 0
  const isNew = before === undefined || (begins && hasCome && before.completedAt !== undefined)
  const base = isNew ? first : before
  if (base === undefined || (before === undefined && !hasCome)) return undefined
  // Whom it was sent to and who was connected counts from one download to the next.
  const carried = before === undefined ? Passed.none : passedOf(before)
  const passed = isNew ? { ...Passed.none, sentTo: carried.sentTo, connections: carried.connections } : carried
  const { connections, millis, received, sentTo, wasted } = Passed.plus(passed, more)
  const { completedAt, ...rest } = base
  return new DownloadRecord({
    ...rest,
    ...(isNew || completedAt === undefined ? {} : { completedAt }),
    received,
    sentTo,
    connections,
    wasted,
    sent: (before?.sent ?? 0) + Passed.sentBytes(more),
    durationMillis: isNew || hasCome ? millis : base.durationMillis
  })
}

const withLast = (known: Option.Option<DownloadRecord>, last: Last | undefined): Option.Option<DownloadRecord> =>
  last === undefined || Passed.isNone(last.more)
    ? known
    : Option.orElse(Option.fromUndefinedOr(added(known, last.more, last)), () => known)

/** A file that was there already came from where its bytes came from the first time. */
const succeeding = (record: DownloadRecord, older: Option.Option<DownloadRecord>): DownloadRecord =>
  Option.match(older, {
    onNone: () => record,
    onSome: (before) => {
      const { bytes, connections, durationMillis, mode, priority, received, sentTo, wasted, why } = before
      const kept = {
        ...record,
        sent: before.sent + record.sent,
        // What was noted while it went on counts.
        ...(received === undefined ? {} : { received, durationMillis, wasted }),
        ...(sentTo === undefined ? {} : { sentTo }),
        ...(connections === undefined ? {} : { connections }),
        ...(before.cacheHost === undefined || record.cacheHost !== undefined ? {} : { cacheHost: before.cacheHost })
      }
      const isFromCache = record.fileBytes > 0 && record.bytes.LocalCache >= record.fileBytes
      if (!isFromCache || total(bytes) === 0) return new DownloadRecord(kept)
      const same = { bytes, durationMillis, mode, wasted, why, ...(priority === undefined ? {} : { priority }) }
      return new DownloadRecord({ ...kept, ...same })
    }
  })

const isNotFound = (error: PlatformError.PlatformError): boolean => error.reason._tag === "NotFound"

const makeFiles = Effect.fnUntraced(function* (directory: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const fileOf = (content: ContentId) => path.join(directory, `${content}.json`)
  let version = 0
  const refused = (operation: RecordsError["operation"]) => (cause: unknown) =>
    new RecordsError({ operation, directory, cause })

  /** `None` when the file is no record. */
  const read = Effect.fnUntraced(function* (file: string) {
    const info = yield* fs.stat(file)
    if (info.type !== "File" || info.size > maxBytes) return Option.none<DownloadRecord>()
    return Result.getSuccess(decode(yield* fs.readFileString(file)))
  })

  const othersFile = path.join(directory, "others")
  const readOthers = Effect.gen(function* () {
    const info = yield* Effect.option(fs.stat(othersFile))
    if (Option.isNone(info) || info.value.type !== "File" || info.value.size > maxBytes) return Passed.none
    return Result.getOrElse(decodeOthers(yield* fs.readFileString(othersFile)), () => Passed.none)
  })

  /** The record of a content; one that is damaged counts as none. */
  const find = Effect.fnUntraced(
    function* (content: ContentId) {
      return yield* Effect.catchIf(read(fileOf(content)), isNotFound, () => Effect.succeedNone)
    },
    Effect.mapError(refused("list"))
  )

  const replace = Effect.fnUntraced(
    function* (file: string, text: string) {
      const draft = `${file}.${yield* Random.nextIntBetween(0, 0xffffffff)}.draft`
      const written = fs.writeFileString(draft, text)
      const made = fs.makeDirectory(directory, { recursive: true })
      yield* Effect.catchIf(written, isNotFound, () => Effect.andThen(made, written)).pipe(
        Effect.andThen(fs.rename(draft, file)),
        Effect.tap(() => Effect.sync(() => version++)),
        Effect.onError(() => Effect.ignore(fs.remove(draft)))
      )
    },
    Effect.mapError(refused("put"))
  )

  const keep = (record: DownloadRecord) => replace(fileOf(record.contentId), encode(record))

  return Records.of({
    version: () => version,
    list: Effect.gen(function* () {
      if (!(yield* fs.exists(directory))) return { records: [], damaged: 0, others: Passed.none }
      const names = (yield* fs.readDirectory(directory)).filter((name) => name.endsWith(".json"))
      const found = yield* Effect.forEach(names, (name) => read(path.join(directory, name)))
      const records = found.flatMap((record) => (Option.isSome(record) ? [record.value] : []))
      return { records, damaged: names.length - records.length, others: yield* readOthers }
    }).pipe(Effect.mapError(refused("list"))),
    put: Effect.fn("Records.put")(function* (record, last) {
      yield* keep(succeeding(record, withLast(yield* find(record.contentId), last)))
    }),
    add: Effect.fn("Records.add")(function* (content, more, how = {}) {
      if (Option.isNone(parse(content))) return false
      const next = added(yield* find(content), more, how)
      if (next !== undefined) yield* keep(next)
      return next !== undefined
    }),
    addOthers: Effect.fn("Records.addOthers")(function* (more) {
      const before = yield* Effect.mapError(readOthers, refused("list"))
      yield* replace(othersFile, encodeOthers(Passed.plus(before, more)))
    }),
    remove: Effect.fn("Records.remove")(function* (content) {
      yield* Effect.mapError(fs.remove(fileOf(content), { force: true }), refused("remove"))
      version++
    })
  })
})
