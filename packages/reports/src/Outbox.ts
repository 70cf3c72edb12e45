/**
 * Events that a device has not told yet, one small file each, so that they outlive it. A file appears whole or not at all and goes once
 * its event is taken, so processes of one device may share the folder, and be killed at any time. It is bounded: the oldest go first, and how
 * many went is an event too.
 */
import { randomBytes } from "node:crypto"
import { EventId, EventsLost, ReportEvent } from "@piecework/cloud/ReportRpcs"
import { Clock, Context, Effect, FileSystem, Layer, Option, Path, type PlatformError, Ref, Schema } from "effect"
import { OutboxConfig } from "./OutboxConfig.ts"

export class OutboxError extends Schema.TaggedError<OutboxError>()("OutboxError", {
  operation: Schema.Literals(["put", "read", "remove"]),
  directory: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    const what = this.operation === "read" ? "read" : "written"
    return `The reports to the service in ${this.directory} cannot be ${what}; --no-reports goes without.`
  }
}

export class Outbox extends Context.Service<
  Outbox,
  {
    /** Keeps the event until it is removed, or the oldest of too many. */
    readonly put: (event: ReportEvent) => Effect.Effect<void, OutboxError>
    /** The oldest first, at most so many events and so many bytes of JSON, but one if there is one. */
    readonly oldest: (most: {
      readonly events: number
      readonly bytes: number
    }) => Effect.Effect<ReadonlyArray<ReportEvent>, OutboxError>
    /** Those that are not there any more change nothing. */
    readonly remove: (events: ReadonlyArray<EventId>) => Effect.Effect<void, OutboxError>
  }
>()("@piecework/reports/Outbox") {
  /** In a folder, which is made with the first event. */
  static readonly layer = (
    directory: string
  ): Layer.Layer<Outbox, never, FileSystem.FileSystem | Path.Path | OutboxConfig> =>
    Layer.effect(Outbox, Effect.flatMap(files(directory), make))

  static readonly layerMemory: Layer.Layer<Outbox, never, OutboxConfig> = Layer.effect(
    Outbox,
    Effect.suspend(() => Effect.flatMap(memory, make))
  )
}

export const newEventId = (): EventId => EventId.make(randomBytes(16).toString("hex"))

const Text = Schema.fromJsonString(Schema.toCodecJson(ReportEvent))
const decode = Schema.decodeUnknownOption(Text)
const encode = Schema.encodeSync(Text)

/** Where the events lie. A name begins with the time of the event, so names in order are events in order. */
interface Place {
  readonly names: Effect.Effect<ReadonlyArray<string>, OutboxError>
  readonly write: (name: string, text: string) => Effect.Effect<void, OutboxError>
  /** `None` when it is not there, or too large. */
  readonly read: (name: string) => Effect.Effect<Option.Option<string>, OutboxError>
  /** Whether it was there: of two that remove it, one did. */
  readonly remove: (name: string) => Effect.Effect<boolean, OutboxError>
}

/** An event is at most a few KiB; nothing larger is read. */
const maxBytes = 16_384

const nameOf = ({ eventId, time }: ReportEvent): string => `${String(time).padStart(16, "0")}-${eventId}.json`
const isName = (name: string): boolean => /^\d{16}-[0-9a-f]{32}\.json$/.test(name)
const timeOf = (name: string): number => Number(name.slice(0, 16))

const make = Effect.fnUntraced(function* (place: Place): Effect.fn.Return<Outbox["Service"], never, OutboxConfig> {
  const config = yield* OutboxConfig
  const names = Effect.map(place.names, (all) => all.filter(isName).toSorted())

  /** Gives the events up, and keeps how many they were: those that are no events count as one. */
  const lose = Effect.fnUntraced(function* (given: ReadonlyArray<string>) {
    let count = 0
    for (const name of given) {
      const event = Option.flatMap(yield* place.read(name), decode)
      if (!(yield* place.remove(name))) continue
      count += Option.isSome(event) && event.value._tag === "EventsLost" ? event.value.count : 1
    }
    if (count === 0) return
    const time = Math.max(0, Math.floor(yield* Clock.currentTimeMillis))
    const lost = EventsLost.make({ eventId: newEventId(), time, count })
    yield* place.write(nameOf(lost), encode(lost))
  })

  const trim = Effect.gen(function* () {
    const all = yield* names
    const now = yield* Clock.currentTimeMillis
    const old = all.filter((name) => timeOf(name) < now - config.keepMillis).length
    // Some more than must go: what is said of those that went takes a place itself, and is not said anew each time.
    const some = Math.max(1, Math.floor(config.mostEvents / 10))
    const over = all.length > config.mostEvents ? all.length - config.mostEvents + some : 0
    yield* lose(all.slice(0, Math.max(old, over)))
  })

  return Outbox.of({
    put: Effect.fn("Outbox.put")(function* (event) {
      yield* place.write(nameOf(event), encode(event))
      yield* trim
    }),
    oldest: Effect.fn("Outbox.oldest")(function* (most) {
      yield* trim
      const found: Array<ReportEvent> = []
      const damaged: Array<string> = []
      let bytes = 0
      for (const name of yield* names) {
        if (found.length >= most.events) break
        const text = yield* place.read(name)
        const event = Option.flatMap(text, decode)
        if (Option.isNone(text) || Option.isNone(event)) {
          damaged.push(name)
          continue
        }
        bytes += Buffer.byteLength(text.value) + 1
        if (found.length > 0 && bytes > most.bytes) break
        found.push(event.value)
      }
      yield* lose(damaged)
      return found
    }),
    remove: Effect.fn("Outbox.remove")(function* (events) {
      const gone = new Set<string>(events)
      for (const name of yield* names) if (gone.has(name.slice(17, 49))) yield* place.remove(name)
    })
  })
})

const memory: Effect.Effect<Place> = Effect.map(Ref.make(new Map<string, string>()), (held) => ({
  names: Effect.map(Ref.get(held), (map) => [...map.keys()]),
  write: (name, text) => Ref.update(held, (map) => new Map(map).set(name, text)),
  read: (name) => Effect.map(Ref.get(held), (map) => Option.fromUndefinedOr(map.get(name))),
  remove: (name) =>
    Ref.modify(held, (map) => {
      const left = new Map(map)
      return [left.delete(name), left]
    })
}))

/** What another process has taken away meanwhile is none of our troubles. */
const unlessGone =
  <A>(otherwise: A) =>
  (self: Effect.Effect<A, PlatformError.PlatformError>): Effect.Effect<A, PlatformError.PlatformError> =>
    Effect.catchIf(
      self,
      (error) => error.reason._tag === "NotFound",
      () => Effect.succeed(otherwise)
    )

const files = Effect.fnUntraced(function* (directory: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const at = (name: string) => path.join(directory, name)
  const failed = (operation: OutboxError["operation"]) => (cause: unknown) =>
    new OutboxError({ operation, directory, cause })
  // What a process has left that was killed while it wrote or deleted; nobody else knows these names.
  const abandoned = Effect.gen(function* () {
    if (!(yield* fs.exists(directory))) return
    const now = yield* Clock.currentTimeMillis
    for (const name of yield* fs.readDirectory(directory)) {
      if (!name.endsWith(".draft")) continue
      const { mtime } = yield* fs.stat(at(name))
      const age = now - Option.getOrElse(mtime, () => new Date(now)).getTime()
      if (age > draftsKept) yield* fs.remove(at(name), { force: true })
    }
  })
  yield* abandoned.pipe(
    Effect.mapError(failed("read")),
    Effect.catch((error) => Effect.logDebug(error))
  )

  const place: Place = {
    names: fs.readDirectory(directory).pipe(unlessGone<Array<string>>([]), Effect.mapError(failed("read"))),
    write: Effect.fnUntraced(
      function* (name, text) {
        yield* fs.makeDirectory(directory, { recursive: true })
        const draft = at(`${name}.${randomBytes(4).toString("hex")}.draft`)
        yield* fs.writeFileString(draft, text).pipe(
          Effect.andThen(fs.rename(draft, at(name))),
          Effect.onError(() => Effect.ignore(fs.remove(draft)))
        )
      },
      Effect.mapError(failed("put"))
    ),
    read: (name) =>
      Effect.gen(function* () {
        const info = yield* fs.stat(at(name))
        if (info.type !== "File" || info.size > BigInt(maxBytes)) return Option.none<string>()
        return Option.some(yield* fs.readFileString(at(name)))
      }).pipe(unlessGone(Option.none<string>()), Effect.mapError(failed("read"))),
    // Of two that give it another name one succeeds; whoever deletes what is gone already may be told that it is deleted.
    remove: (name) => {
      const gone = at(`${name}.${randomBytes(4).toString("hex")}.draft`)
      return fs
        .rename(at(name), gone)
        .pipe(
          Effect.andThen(fs.remove(gone, { recursive: true })),
          Effect.as(true),
          unlessGone(false),
          Effect.mapError(failed("remove"))
        )
    }
  }
  return place
})

/** A draft is written in a moment; one that is an hour old has nobody who finishes it. */
const draftsKept = 3_600_000
