/**
 * Where URLs become answers: what is open is joined, what is kept is opened, what is past its time is asked about, and what is not
 * here is asked for, each by one question whoever else wants it meanwhile.
 */
import * as Bitfield from "@piecework/domain/Bitfield"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { standardPieceSize } from "@piecework/domain/PieceLayout"
import * as ObjectFacts from "@piecework/objects/ObjectFacts"
import type { Objects } from "@piecework/objects/Objects"
import * as RetryAfter from "@piecework/sources/RetryAfter"
import { Deferred, Duration, Effect, Result, type Scope } from "effect"
import { FillError } from "../FillError.ts"
import type { Answered, Outcome, Refused, Wanted } from "../Fills.ts"
import * as Freshness from "../Freshness.ts"
import * as Asking from "./Asking.ts"
import { Entries, type Entry } from "./Entries.ts"
import * as Facts from "./Facts.ts"
import * as Passage from "./Passage.ts"
import { type Shop, shown } from "./Shop.ts"
import { Timed } from "./Timed.ts"
import type { Range } from "./Verdict.ts"

/** What came of the question that was asked about a URL, for all who wait. */
type Opened =
  | { readonly _tag: "File"; readonly entry: Entry; readonly outcome: Outcome }
  | { readonly _tag: "Refused"; readonly refused: Refused }
  | { readonly _tag: "Passing" }

interface Opening {
  readonly result: Deferred.Deferred<Opened, FillError>
  waiting: number
  /** An answer that passes, until somebody takes it. */
  passing: Asking.Asked | undefined
}

/** How long it is remembered that answers about a URL pass, in milliseconds: nobody waits for another's question then. */
const passesFor = 60_000

/** Longest time for which a refusal counts, in milliseconds. */
const longestRefusal = 600_000

/** Times that somebody finds a file closed just after it was opened. */
const mostTurns = 8

export class Desk {
  private readonly shop: Shop
  private readonly entries: Entries
  private readonly openings = new Map<ContentUrl, Opening>()
  private readonly refusals: Timed<Refused>
  private readonly passes: Timed<true>
  /** Files whose servers were away when they were asked about them. */
  private readonly away: Timed<true>

  constructor(shop: Shop, objects: Objects["Service"]) {
    const { maxRefusals } = shop.config
    this.shop = shop
    this.entries = new Entries(shop, objects)
    this.refusals = new Timed(maxRefusals)
    this.passes = new Timed(maxRefusals)
    this.away = new Timed(maxRefusals)
  }

  open(wanted: Wanted): Effect.Effect<Answered, FillError, Scope.Scope> {
    return Effect.gen({ self: this }, function* () {
      const { url } = wanted
      if (wanted.authorization !== undefined) return yield* this.pass(wanted, undefined)
      for (let turn = 0; turn < mostTurns; turn++) {
        const now = this.shop.now()
        const refused = this.refusals.get(url, now)
        if (refused !== undefined) return { ...refused, outcome: "Hit" }
        if (this.passes.get(url, now) !== undefined) return yield* this.pass(wanted, undefined)
        const entry = this.entries.get(url)
        const outcome = entry === undefined ? undefined : this.usable(entry, now)
        if (entry !== undefined && outcome !== undefined) return yield* this.entries.filled(entry, wanted, outcome)
        const { asked, opened } = yield* this.join(wanted)
        if (opened._tag === "Refused") return opened.refused
        if (opened._tag === "Passing") return yield* this.pass(wanted, asked)
        if (!opened.entry.file.isClosed) return yield* this.entries.filled(opened.entry, wanted, opened.outcome)
      }
      return yield* new FillError({ url: shown(url), reason: "Failed", detail: "it closes as soon as it is open" })
    })
  }

  forget(url: ContentUrl): void {
    const entry = this.entries.get(url)
    if (entry !== undefined) this.entries.forget(entry)
    for (const remembered of [this.refusals, this.passes, this.away]) remembered.delete(url)
  }

  /** How a file that is open can be answered without a question; `undefined` where it cannot. */
  private usable({ file }: Entry, now: number): Outcome | undefined {
    if (file.over !== undefined || file.isDoubted || file.isClosed) return undefined
    if (now < file.facts.freshUntil) return "Hit"
    return this.away.get(file.url, now) === undefined ? undefined : "Stale"
  }

  /** Waits for the question about the URL that is under way, or asks it. One of those who wait gets an answer that passes. */
  private join(wanted: Wanted) {
    return Effect.acquireUseRelease(
      Effect.suspend((): Effect.Effect<Opening, FillError> => {
        const opening = this.openings.get(wanted.url)
        if (opening !== undefined) {
          opening.waiting++
          return Effect.succeed(opening)
        }
        // A question goes on when its client leaves, so clients that come and go could ask without end.
        if (this.openings.size < this.shop.config.maxFiles) return Effect.succeed(this.begin(wanted))
        const detail = "too many questions are under way at a time"
        return Effect.fail(new FillError({ url: shown(wanted.url), reason: "Failed", detail }))
      }),
      (opening) =>
        Effect.map(Deferred.await(opening.result), (opened) => {
          const asked = opening.passing
          opening.passing = undefined
          return { opened, asked }
        }),
      (opening) => {
        opening.waiting--
        return this.settle(opening)
      }
    )
  }

  /** Lets go of an answer that nobody takes. */
  private settle(opening: Opening): Effect.Effect<void> {
    const { passing, waiting } = opening
    if (waiting > 0 || passing === undefined) return Effect.void
    opening.passing = undefined
    return Asking.close(passing.scope)
  }

  private begin(wanted: Wanted): Opening {
    const opening: Opening = { result: Deferred.makeUnsafe(), waiting: 1, passing: undefined }
    this.openings.set(wanted.url, opening)
    const found = Effect.flatMap(Effect.exit(this.find(wanted, opening)), (exit) => {
      this.openings.delete(wanted.url)
      Deferred.doneUnsafe(opening.result, exit)
      return this.settle(opening)
    })
    // The question is everybody's, so it is nobody's to interrupt.
    this.shop.run(found)
    return opening
  }

  /** What there is to say about a URL that is not open, or not fresh. */
  private find(wanted: Wanted, opening: Opening): Effect.Effect<Opened, FillError> {
    return Effect.gen({ self: this }, function* () {
      const open = this.entries.get(wanted.url)
      const entry = open ?? (yield* this.entries.stored(wanted.url))
      const outcome = entry === undefined || entry === open ? undefined : this.usable(entry, this.shop.now())
      if (entry !== undefined && outcome !== undefined) return { _tag: "File", entry, outcome }
      const asked = yield* Effect.result(this.ask(wanted, entry))
      if (Result.isSuccess(asked)) return yield* this.opened(wanted, opening, entry, asked.success)
      return this.stale(entry) ?? (yield* asked.failure)
    })
  }

  private ask(wanted: Wanted, entry: Entry | undefined): Effect.Effect<Asking.Asked, FillError> {
    const { inside, isGuarded, url, via } = wanted
    const { shop } = this
    const range = firstRange(wanted)
    const question = { url, via, isGuarded, inside, ...(entry === undefined ? {} : conditions(entry)) }
    const first = Asking.ask(shop, { ...question, range })
    // Past its end the file says nothing of itself, and an empty one has no part at all.
    const orLess = (asked: Asking.Asked, less: Range | undefined) =>
      asked.verdict._tag === "OutOfFile"
        ? Effect.andThen(Asking.close(asked.scope), Asking.ask(shop, { ...question, range: less }))
        : Effect.succeed(asked)
    return first.pipe(
      Effect.flatMap((asked) => orLess(asked, { start: 0, end: 0 })),
      Effect.flatMap((asked) => orLess(asked, undefined))
    )
  }

  private opened(
    wanted: Wanted,
    opening: Opening,
    entry: Entry | undefined,
    asked: Asking.Asked
  ): Effect.Effect<Opened, FillError> {
    const { verdict } = asked
    switch (verdict._tag) {
      case "File":
        return this.file(wanted, entry, asked, verdict)
      case "Passing":
        this.passes.set(wanted.url, true, this.shop.now() + passesFor)
        opening.passing = asked
        return Effect.as(this.gone(entry), { _tag: "Passing" })
      case "Unchanged":
        return Effect.andThen(Asking.close(asked.scope), this.unchanged(wanted, entry, asked))
      case "Failing":
        return Effect.andThen(
          Asking.close(asked.scope),
          Effect.sync(() => this.stale(entry) ?? this.refused(wanted, asked, false))
        )
      case "Refused":
      case "OutOfFile": {
        const { status } = asked.response
        const forgotten = status === 404 || status === 410 ? this.gone(entry) : Effect.void
        return Effect.andThen(
          Effect.andThen(Asking.close(asked.scope), forgotten),
          Effect.sync(() => this.refused(wanted, asked, true))
        )
      }
    }
  }

  /** The file is not what its server has, if it has one at all. */
  private gone(entry: Entry | undefined): Effect.Effect<void> {
    if (entry === undefined) return Effect.void
    this.entries.forget(entry)
    return this.entries.remove(entry.file.url)
  }

  /** An answer with bytes: of the file that is here, or of another. */
  private file(
    wanted: Wanted,
    entry: Entry | undefined,
    asked: Asking.Asked,
    verdict: Extract<Asking.Asked["verdict"], { readonly _tag: "File" }>
  ): Effect.Effect<Opened, FillError> {
    return Effect.gen({ self: this }, function* () {
      const { headers } = asked.response
      const now = this.shop.now()
      const { freshUntil, sendsParts, size } = verdict
      const facts = Facts.of({ url: wanted.url, size, headers, now, freshUntil })
      const before = entry?.file.over === undefined ? entry : undefined
      if (before !== undefined && isKnownSame(before, facts)) {
        yield* Asking.close(asked.scope)
        yield* this.confirm(before, facts)
        return { _tag: "File", entry: before, outcome: "Revalidated" }
      }
      const created = yield* Effect.onError(this.entries.create(facts, sendsParts), () => Asking.close(asked.scope))
      created.file.via = wanted.via
      created.file.inside = wanted.inside
      created.file.isGuarded = wanted.isGuarded === true
      this.entries.seed(created, wanted)
      // Of a look at the first byte nothing is kept.
      const isLook = asked.response.status === 206 && verdict.end - verdict.start === 1 && size > 1
      if (isLook || wanted.isHead === true || size === 0) yield* Asking.close(asked.scope)
      else {
        const next = verdict.start / standardPieceSize
        const end = Math.ceil(verdict.end / standardPieceSize)
        created.file.begin({ next, end, began: next }, asked)
      }
      return { _tag: "File", entry: created, outcome: "Miss" }
    })
  }

  private unchanged(
    wanted: Wanted,
    entry: Entry | undefined,
    { response }: Asking.Asked
  ): Effect.Effect<Opened, FillError> {
    const { url } = wanted
    if (entry === undefined || !Facts.isSame(entry.file.facts, response.headers)) {
      const detail = "its server answers HTTP 304 about another file"
      return Effect.fail(new FillError({ url: shown(url), reason: "BadAnswer", detail }))
    }
    const now = this.shop.now()
    const headers = Facts.confirmed(entry.file.facts, response.headers, now)
    const { freshUntil } = Freshness.judge(headers, now)
    const facts = { ...entry.file.facts, headers, confirmedAt: now, freshUntil }
    return Effect.as(this.confirm(entry, facts), { _tag: "File", entry, outcome: "Revalidated" })
  }

  private confirm({ file }: Entry, facts: ObjectFacts.ObjectFacts): Effect.Effect<void> {
    file.isDoubted = false
    return file.confirm(facts)
  }

  /** The file though it is past its time, where that may be while its server is away. */
  private stale(entry: Entry | undefined): Opened | undefined {
    if (entry === undefined || entry.file.over !== undefined || entry.file.isDoubted) return undefined
    const { config } = this.shop
    const now = this.shop.now()
    const { freshUntil, headers } = entry.file.facts
    if (!Freshness.mayBeStale(headers) || now >= freshUntil + Duration.toMillis(config.staleFor)) return undefined
    this.away.set(entry.file.url, true, now + Duration.toMillis(config.stalePause))
    return { _tag: "File", entry, outcome: "Stale" }
  }

  /** What the server says instead; a server that is in trouble says it for those only who wait already. */
  private refused({ url }: Wanted, { response }: Asking.Asked, isKept: boolean): Opened {
    const now = this.shop.now()
    const { headers, status } = response
    const refused: Refused = { _tag: "Refused", status, headers: Facts.ofRefusal(headers), outcome: "Miss" }
    const pause = RetryAfter.parse(headers.get("retry-after"), headers.get("date"), now)
    const counts = Freshness.refusedFor(headers, now) ?? pause ?? Duration.toMillis(this.shop.config.refusalAge)
    if (isKept) this.refusals.set(url, refused, now + Math.min(longestRefusal, counts))
    return { _tag: "Refused", refused }
  }

  /** For this client alone. */
  private pass(wanted: Wanted, given: Asking.Asked | undefined): Effect.Effect<Answered, FillError, Scope.Scope> {
    return Effect.gen({ self: this }, function* () {
      const { authorization, inside, isGuarded, part, url, via } = wanted
      const range = exactRange(wanted)
      // What was asked for first may be a look only.
      const isEnough = given !== undefined && (part === undefined || part.offset >= 0)
      if (given !== undefined && !isEnough) yield* Asking.close(given.scope)
      const question = { url, range, via, authorization, isGuarded, inside }
      const asked = isEnough ? given : yield* Asking.ask(this.shop, question)
      const { verdict } = asked
      if (verdict._tag === "File" || verdict._tag === "Passing") return yield* Passage.of(this.shop, asked, wanted)
      yield* Asking.close(asked.scope)
      const headers = Facts.ofRefusal(asked.response.headers)
      return { _tag: "Refused", status: asked.response.status, headers, outcome: "Miss" }
    })
  }
}

/** Of a file that is here: what it is only sent again for if it is another. */
const conditions = ({ file }: Entry) => {
  const { facts } = file
  if (file.over !== undefined || Bitfield.count(file.held()) === 0) return {}
  const tag = ObjectFacts.entityTag(facts)
  return tag === undefined ? { ifModifiedSince: ObjectFacts.lastModified(facts) } : { ifNoneMatch: tag }
}

/** Whether the answer is certainly about the file that is here. */
const isKnownSame = ({ file }: Entry, facts: ObjectFacts.ObjectFacts): boolean =>
  file.facts.size === facts.size &&
  (ObjectFacts.entityTag(facts) ?? ObjectFacts.lastModified(facts)) !== undefined &&
  Facts.isSame(file.facts, facts.headers)

/** The pieces that the part touches; of what the size is needed for, and where no bytes are wanted, only a look. */
const firstRange = ({ isHead, part }: Wanted): Range | undefined => {
  if (isHead === true || (part !== undefined && part.offset < 0)) return { start: 0, end: 0 }
  if (part === undefined || (part.offset === 0 && part.length === undefined)) return undefined
  const { length, offset } = part
  const start = offset - (offset % standardPieceSize)
  if (length === undefined) return { start }
  return { start, end: Math.max(1, Math.ceil((offset + length) / standardPieceSize)) * standardPieceSize - 1 }
}

/** Just what the client wants; the last bytes cannot be asked for without their size, so all come. */
const exactRange = ({ isHead, part }: Wanted): Range | undefined => {
  if (isHead === true) return { start: 0, end: 0 }
  if (part === undefined || part.offset < 0) return undefined
  return { start: part.offset, ...(part.length === undefined ? {} : { end: part.offset + part.length - 1 }) }
}
