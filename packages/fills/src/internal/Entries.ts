/**
 * The files that are open, by URL: made when they are first wanted, shared by all who have them, closed a little after the last of
 * them left. Invariant: of one URL at most one entry is found; another that was replaced goes on for those who have it.
 */
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import type { ObjectFacts } from "@piecework/objects/ObjectFacts"
import type { Objects } from "@piecework/objects/Objects"
import { Deferred, Effect, Exit, Option, Result, Scope } from "effect"
import { FillError } from "../FillError.ts"
import type { Filled, Outcome, Wanted } from "../Fills.ts"
import * as Fetch from "./Fetch.ts"
import { OpenFile, type OpenFileOptions, type Place } from "./OpenFile.ts"
import { partOf } from "./Passage.ts"
import { Places } from "./Places.ts"
import * as Reading from "./Reading.ts"
import { type Shop, shown } from "./Shop.ts"

/** A file that is open, with what belongs to it alone. */
export interface Entry {
  readonly file: OpenFile
  readonly places: Places
  readonly scope: Scope.Closeable
  /** Of whoever the file was opened for, until he has a place of his own. */
  seed: Place | undefined
  /** It is closed after a while, unless somebody comes. */
  isLeaving: boolean
}

export class Entries {
  private readonly shop: Shop
  private readonly objects: Objects["Service"]
  private readonly found = new Map<ContentUrl, Entry>()
  /** Those that nobody needs, in the order in which they were left. */
  private readonly idle = new Set<Entry>()
  /** Files that get their place on a drive, until they have it. */
  private readonly making = new Map<ContentUrl, Deferred.Deferred<void>>()
  private open = 0

  constructor(shop: Shop, objects: Objects["Service"]) {
    this.shop = shop
    this.objects = objects
  }

  get(url: ContentUrl): Entry | undefined {
    return this.found.get(url)
  }

  /** Nobody finds it any more. */
  forget({ file }: Entry): void {
    if (this.found.get(file.url)?.file === file) this.found.delete(file.url)
  }

  /** The file as it is kept, if it is. */
  stored(url: ContentUrl): Effect.Effect<Entry | undefined, FillError> {
    return Effect.gen({ self: this }, function* () {
      yield* this.made(url)
      const scope = yield* this.room(url)
      const found = yield* this.orNone(Scope.provide(this.objects.find(url), scope))
      const stored = found === undefined ? undefined : Option.getOrUndefined(found)
      if (stored !== undefined) return this.entered(scope, { stored, facts: stored.facts(), sendsParts: true })
      yield* Scope.close(scope, Exit.void)
      return undefined
    })
  }

  /** A new file in the place of any that was there. Its place on a drive is made beside: nobody waits for that. */
  create(facts: ObjectFacts, sendsParts: boolean): Effect.Effect<Entry, FillError> {
    return Effect.map(this.room(facts.url), (scope) => {
      const entry = this.entered(scope, { stored: undefined, facts, sendsParts })
      this.makePlace(entry, facts)
      return entry
    })
  }

  /** Takes what is kept of the URL from the drives. */
  remove(url: ContentUrl): Effect.Effect<void> {
    const removed = Effect.andThen(this.made(url), this.objects.remove(url))
    return Effect.catch(removed, ({ message }) => Effect.logWarning(message))
  }

  /** Once no file of the URL is being made on a drive, so that what comes later is there later. */
  private made(url: ContentUrl): Effect.Effect<void> {
    return Effect.suspend(() => {
      const making = this.making.get(url)
      return making === undefined ? Effect.void : Deferred.await(making)
    })
  }

  private makePlace({ file, scope }: Entry, facts: ObjectFacts): void {
    const { url } = facts
    // What is being made now, and not this one.
    const earlier = this.making.get(url)
    const before = earlier === undefined ? Effect.void : Deferred.await(earlier)
    const done = Deferred.makeUnsafe<void>()
    this.making.set(url, done)
    file.storing++
    const making = Effect.andThen(before, this.orNone(Scope.provide(this.objects.create(facts), scope)))
    this.shop.run(
      Effect.asVoid(
        Effect.onExit(making, (exit) =>
          Effect.sync(() => {
            if (this.making.get(url) === done) this.making.delete(url)
            Deferred.doneUnsafe(done, Effect.void)
            file.settlePlace(Exit.isSuccess(exit) ? exit.value : undefined)
            file.storing--
            file.checkIdle()
          })
        )
      )
    )
  }

  /** What the drives refuse is no reason to refuse a client: the file is answered without them. */
  private orNone<A>(effect: Effect.Effect<A, { readonly message: string }>): Effect.Effect<A | undefined> {
    return Effect.flatMap(Effect.result(effect), (result) =>
      Result.isSuccess(result)
        ? Effect.succeed<A | undefined>(result.success)
        : Effect.as(Effect.logWarning(result.failure), undefined)
    )
  }

  /** What a file may hold, if one more may be open. */
  private room(url: ContentUrl): Effect.Effect<Scope.Closeable, FillError> {
    return Effect.gen({ self: this }, function* () {
      yield* this.makeRoom
      if (this.open >= this.shop.config.maxFiles) return yield* failed(url, "too many files are open at a time")
      this.open++
      const scope = yield* Scope.fork(this.shop.scope)
      yield* Scope.addFinalizer(
        scope,
        Effect.sync(() => this.open--)
      )
      return scope
    })
  }

  private entered(scope: Scope.Closeable, opened: Pick<OpenFileOptions, "facts" | "sendsParts" | "stored">): Entry {
    const file: OpenFile = new OpenFile({
      ...opened,
      shop: this.shop,
      begin: (begun, fetching, asked) => this.shop.run(Fetch.run(begun, fetching, asked)),
      onIdle: () => this.onIdle(entry)
    })
    const entry: Entry = { file, places: new Places(file), scope, seed: undefined, isLeaving: false }
    this.found.set(file.url, entry)
    // Somebody may have it in a moment; if nobody does, it closes.
    file.checkIdle()
    return entry
  }

  private onIdle(entry: Entry): void {
    if (entry.isLeaving) return
    entry.isLeaving = true
    this.idle.add(entry)
    this.shop.run(Effect.delay(this.leave(entry), this.shop.config.linger))
  }

  /** Closes it, unless somebody has it open again. */
  private leave(entry: Entry): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { file } = entry
      entry.isLeaving = false
      this.idle.delete(entry)
      if (!file.isIdle || file.isClosed) return Effect.void
      this.unseed(entry)
      this.forget(entry)
      file.close()
      return Scope.close(entry.scope, Exit.void)
    })
  }

  /** Room for one more: of those that nobody needs the one that was left first is closed. */
  private readonly makeRoom: Effect.Effect<void> = Effect.suspend(() => {
    const [first] = this.idle
    if (this.open < this.shop.config.maxFiles || first === undefined) return Effect.void
    return Effect.andThen(this.leave(first), this.makeRoom)
  })

  /** Keeps the place of whoever a file is opened for, so that what he wants is fetched until he reads. */
  seed(entry: Entry, wanted: Wanted): void {
    if (wanted.isHead === true) return
    const { size } = entry.file.facts
    const part = partOf(wanted, size) ?? { offset: 0, length: size }
    entry.seed = entry.places.join(part.offset, part.length)
    const unseed = Effect.sync(() => this.unseed(entry))
    this.shop.run(Effect.delay(unseed, this.shop.config.linger))
  }

  private unseed(entry: Entry): void {
    const { seed } = entry
    entry.seed = undefined
    if (seed !== undefined) entry.places.leave(seed)
  }

  /** The answer for one client, whose scope holds the file open. */
  filled(entry: Entry, wanted: Wanted, outcome: Outcome): Effect.Effect<Filled, never, Scope.Scope> {
    const { file, places } = entry
    const { size } = file.facts
    const part = partOf(wanted, size) ?? { offset: 0, length: size }
    const opened = Effect.sync(() => {
      const release = file.retain()
      if (wanted.via !== undefined) file.via = wanted.via
      if (wanted.inside !== undefined) file.inside = wanted.inside
      if (wanted.isGuarded === true) file.isGuarded = true
      let first = wanted.isHead === true ? undefined : places.join(part.offset, part.length)
      this.unseed(entry)
      file.look()
      return {
        release: () => {
          if (first !== undefined) places.leave(first)
          release()
        },
        /** The place of the first reader is the one that the client has had since it came. */
        place: (offset: number, length: number): Place => {
          const place = first
          first = undefined
          if (place === undefined) return places.join(offset, length)
          places.move(place, offset, length)
          return place
        }
      }
    })
    return Effect.map(
      Effect.acquireRelease(opened, ({ release }) => Effect.sync(release)),
      ({ place }): Filled => ({
        _tag: "Filled",
        facts: file.facts,
        outcome: outcome === "Hit" ? this.outcome(file, part.offset, part.length) : outcome,
        held: () => file.held(),
        get stored() {
          return file.stored
        },
        get isKept() {
          return !file.isUnkept
        },
        place: Deferred.await(file.place),
        read: (span, options) =>
          Reading.stream({
            file,
            part: span,
            chunk: options?.chunk,
            join: () => place(span.offset, span.length),
            leave: (left, isAll) => this.left(entry, left, isAll ? span.offset + span.length : undefined)
          }),
        surrender: Effect.andThen(
          Effect.sync(() => this.surrender(entry)),
          file.quiet
        )
      })
    )
  }

  private left({ places }: Entry, place: Place, end: number | undefined): void {
    const trace = places.leave(place, end)
    if (trace === undefined) return
    const forget = Effect.sync(() => places.forget(trace))
    this.shop.run(Effect.delay(forget, this.shop.config.linger))
  }

  private outcome(file: OpenFile, offset: number, length: number): Outcome {
    const { at, until } = file.piecesOf(offset, length)
    let here = 0
    for (let piece = at; piece < until; piece++) if (file.isHere(piece)) here++
    if (here === until - at) return "Hit"
    return here === 0 ? "Miss" : "Partial"
  }

  private surrender(entry: Entry): void {
    const { file } = entry
    this.forget(entry)
    const detail = "it is read as a content of the service from here on"
    file.end(new FillError({ url: shown(file.url), reason: "Surrendered", detail }))
  }
}

const failed = (url: ContentUrl, detail: string) => new FillError({ url: shown(url), reason: "Failed", detail })
