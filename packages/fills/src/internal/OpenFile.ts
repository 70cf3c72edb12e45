/**
 * One file while somebody reads it or it is fetched: the pieces that arrive, the fetches that bring them, the places of its readers.
 * Plain code; `FillPlan` decides, and this carries it out. Invariant: a piece has at most one arrival, and an arrival that is not
 * complete belongs to one fetch.
 */
import * as Bitfield from "@piecework/domain/Bitfield"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import * as PieceLayout from "@piecework/domain/PieceLayout"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import type { ObjectFacts } from "@piecework/objects/ObjectFacts"
import type { StoredObject } from "@piecework/objects/StoredObject"
import { Deferred, Effect, type Tracer } from "effect"
import type { FillError } from "../FillError.ts"
import * as FillPlan from "../FillPlan.ts"
import type { Asked } from "./Asking.ts"
import type { Arrival } from "./Arrival.ts"
import type { Shop } from "./Shop.ts"

/** A request under way, from the plan's side. */
export interface Fetching {
  next: number
  end: number
  began: number
}

/** Where somebody reads, or is going to. */
export interface Place {
  at: number
  until: number
  ahead: number
  beyond: number
  /** Why the bytes that it waits for do not come. */
  failure: FillError | undefined
}

export interface OpenFileOptions {
  readonly shop: Shop
  readonly facts: ObjectFacts
  /** On its drive; `undefined` while a place for it is made there, see `OpenFile.settle`. */
  readonly stored: StoredObject | undefined
  readonly sendsParts: boolean
  /** Begins a fetch, with its first answer where there is one; it calls `ended` when it is over. */
  readonly begin: (file: OpenFile, fetching: Fetching, asked: Asked | undefined) => void
  /** Nobody needs it any more. */
  readonly onIdle: (file: OpenFile) => void
}

export class OpenFile {
  readonly url: ContentUrl
  readonly layout: PieceLayout.PieceLayout
  /** On its drive, once it has a place there. */
  stored: StoredObject | undefined
  readonly shop: Shop
  readonly arrivals = new Map<number, Arrival>()
  readonly fetches = new Set<Fetching>()
  readonly places = new Set<Place>()
  sendsParts: boolean
  /** Who had the request before, as the client that came last says: told with every request for the file, so that circles are seen. */
  via: string | undefined
  /** In which trace it was, if it said so: what is fetched belongs to it. */
  inside: Tracer.AnySpan | undefined
  /** See `Wanted`. */
  isGuarded = false
  /** Why it cannot be fetched any more. */
  over: FillError | undefined
  /** The drive takes nothing more of it. */
  isUnkept: boolean
  /** Whether its server has to be asked whether it is still the file before it is answered again. */
  isDoubted = false
  isClosed = false
  /** Goes up whenever something happened that a reader may wait for. */
  changes = 0
  facts: ObjectFacts
  private handles = 0
  /** Pieces that the drive lost, though it says that it has them. */
  private readonly lost = new Set<number>()
  private readonly waiting = new Map<number, Set<() => void>>()
  private readonly settled = new Set<() => void>()
  private readonly quieting = new Set<() => void>()
  /** Where it is kept, once that is known; `undefined`: nowhere. */
  readonly place = Deferred.makeUnsafe<StoredObject | undefined>()
  private readonly options: OpenFileOptions
  private isLooking = false
  private looksAgain = false

  constructor(options: OpenFileOptions) {
    this.options = options
    this.shop = options.shop
    this.facts = options.facts
    this.url = options.facts.url
    this.stored = options.stored
    this.layout = options.stored?.layout ?? PieceLayout.standard(options.facts.size)
    this.sendsParts = options.sendsParts
    this.isUnkept = false
    if (options.stored !== undefined) Deferred.doneUnsafe(this.place, Effect.succeed(options.stored))
  }

  /** Its place on a drive is made, or no drive takes it. What was said of the file meanwhile is written down there. */
  settlePlace(stored: StoredObject | undefined): void {
    this.stored = stored
    this.isUnkept = stored === undefined
    Deferred.doneUnsafe(this.place, Effect.succeed(stored))
    if (stored !== undefined && stored.facts() !== this.facts) this.shop.run(this.confirm(this.facts))
    // Fetches that went on as if it were kept look again.
    this.settle()
  }

  /** What its server says of it now. */
  confirm(facts: ObjectFacts): Effect.Effect<void> {
    this.facts = facts
    const confirmed = this.stored?.confirm(facts) ?? Effect.void
    return Effect.catch(confirmed, ({ message }) => Effect.logWarning(message))
  }

  held(): Bitfield.Bitfield {
    return this.stored?.held() ?? Bitfield.empty(this.layout.pieceCount)
  }

  /** Whether the piece can be read from its drive. */
  isStored(piece: number): boolean {
    return this.stored !== undefined && Bitfield.has(this.stored.held(), piece) && !this.lost.has(piece)
  }

  /** Whether the whole piece can be read now. */
  isHere(piece: number): boolean {
    return this.isStored(piece) || this.arrivals.get(piece)?.isComplete === true
  }

  /** Whether somebody is going to bring the piece. */
  isComing(piece: number): boolean {
    for (const { end, next } of this.fetches) if (next <= piece && piece < end) return true
    return false
  }

  /** The drive says that it holds the piece, and cannot read it. */
  lose(piece: number): void {
    this.lost.add(piece)
    this.look()
  }

  /** Looks what is to be asked for and stopped now. */
  look(): void {
    if (this.isLooking) {
      this.looksAgain = true
      return
    }
    this.isLooking = true
    do {
      this.looksAgain = false
      this.carryOut()
    } while (this.looksAgain)
    this.isLooking = false
    this.checkIdle()
  }

  private carryOut(): void {
    if (this.over !== undefined || this.isClosed) return
    const plan = FillPlan.decide({
      pieceCount: this.layout.pieceCount,
      isHere: (piece) => this.isHere(piece),
      fetches: Array.from(this.fetches),
      places: Array.from(this.places).filter(({ failure }) => failure === undefined),
      sendsParts: this.sendsParts,
      most: this.shop.config.fetchesPerFile
    })
    for (const { end, fetch } of plan.ends) fetch.end = Math.min(fetch.end, end)
    for (const { from, to } of plan.asks) {
      if (!this.shop.mayBegin(this.lookAgain)) return
      this.begin({ next: from, end: to, began: from })
    }
  }

  private readonly lookAgain = (): void => this.look()

  begin(fetching: Fetching, asked?: Asked): void {
    this.fetches.add(fetching)
    this.shop.began()
    this.options.begin(this, fetching, asked)
  }

  /** The fetch is over; who waits for what it was to bring and did not hears why. */
  ended(fetching: Fetching, error: FillError | undefined): void {
    this.fetches.delete(fetching)
    if (error !== undefined) {
      for (const place of this.places) {
        if (place.at < fetching.end && place.at >= fetching.next && !this.isHere(place.at)) place.failure = error
      }
    }
    this.wakeAll()
    this.shop.ended()
    this.look()
  }

  /** A piece begins to arrive. */
  arrives(arrival: Arrival): void {
    this.arrivals.set(arrival.piece, arrival)
    this.wake(arrival.piece)
  }

  /** It is on its drive now. */
  kept(arrival: Arrival): void {
    this.lost.delete(arrival.piece)
    this.withdraw(arrival)
  }

  /** It is complete, and no drive takes it: its readers get it from memory while there is some. */
  loosen(arrival: Arrival): void {
    arrival.isLoose = true
    if (this.isClosed || !this.isAwaited(arrival.piece)) return this.withdraw(arrival)
    this.shop.loosen(arrival, () => this.withdraw(arrival))
  }

  /** Whether a reader has the piece before it, and near. */
  private isAwaited(piece: number): boolean {
    for (const { at, until } of this.places) if (at <= piece && piece < until) return true
    return false
  }

  /** Nobody gets to see it from now on, at least not here. */
  withdraw(arrival: Arrival): void {
    if (this.arrivals.get(arrival.piece) === arrival) this.arrivals.delete(arrival.piece)
    this.shop.hold(arrival)
    arrival.withdraw()
    this.wake(arrival.piece)
  }

  /** To be called when a place moved or went. */
  moved(): void {
    for (const arrival of this.isUnkept ? this.arrivals.values() : []) {
      if (arrival.isLoose && !this.isAwaited(arrival.piece)) this.withdraw(arrival)
    }
    this.look()
    this.settle()
  }

  /** Fetches that waited for their readers look again. */
  private settle(): void {
    // Who is woken may wait again at once.
    const waiting = Array.from(this.settled)
    this.settled.clear()
    for (const then of waiting) then()
  }

  /**
   * Waits while nothing is kept and the fetch is far ahead of its readers: what they do not take would be thrown away.
   */
  readonly mayArrive = (fetching: Fetching, ahead: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      const isFree = () =>
        !this.isUnkept ||
        fetching.next >= fetching.end ||
        this.over !== undefined ||
        this.places.size === 0 ||
        Array.from(this.places).some(({ at, until }) => at < until && fetching.next <= at + ahead)
      if (isFree()) return Effect.void
      const again = Effect.callback<void>((resume) => {
        const then = () => resume(Effect.void)
        if (isFree()) return then()
        this.settled.add(then)
        return Effect.sync(() => this.settled.delete(then))
      })
      return Effect.andThen(again, this.mayArrive(fetching, ahead))
    })

  /** Those who wait for the piece look again. */
  wake(piece: number): void {
    this.changes++
    const waiting = this.waiting.get(piece)
    if (waiting === undefined) return
    this.waiting.delete(piece)
    for (const resume of waiting) resume()
  }

  wakeAll(): void {
    for (const piece of Array.from(this.waiting.keys())) this.wake(piece)
    this.settle()
  }

  /** Until something happened to the piece since there were `seen` changes, or for no reason. */
  wait(piece: number, seen: number): Effect.Effect<void> {
    return Effect.callback((resume) => {
      if (this.changes !== seen) return resume(Effect.void)
      const wake = () => resume(Effect.void)
      const others = this.waiting.get(piece) ?? new Set()
      this.waiting.set(piece, others.add(wake))
      return Effect.sync(() => {
        others.delete(wake)
        if (others.size === 0 && this.waiting.get(piece) === others) this.waiting.delete(piece)
      })
    })
  }

  /** It cannot be fetched any more; fetches end after the piece under way, or at once. */
  end(over: FillError): void {
    this.over ??= over
    for (const fetch of this.fetches) fetch.end = Math.min(fetch.end, fetch.next + 1)
    this.wakeAll()
  }

  /** Somebody has it open until the answer is called, once. */
  retain(): () => void {
    this.handles++
    let isOpen = true
    return () => {
      if (!isOpen) return
      isOpen = false
      this.handles--
      this.checkIdle()
    }
  }

  get isIdle(): boolean {
    return this.handles === 0 && this.isQuiet
  }

  /** Pieces on their way to the drive. */
  storing = 0

  private get isQuiet(): boolean {
    return this.fetches.size === 0 && this.storing === 0
  }

  /** Waits until nothing is under way, neither from servers nor to the drive. */
  readonly quiet: Effect.Effect<void> = Effect.callback((resume) => {
    const then = () => resume(Effect.void)
    if (this.isQuiet) return then()
    this.quieting.add(then)
    return Effect.sync(() => this.quieting.delete(then))
  })

  checkIdle(): void {
    if (this.isQuiet) {
      for (const then of this.quieting) {
        this.quieting.delete(then)
        then()
      }
    }
    if (this.isIdle && !this.isClosed) this.options.onIdle(this)
  }

  /** Lets go of what is in memory. */
  close(): void {
    this.isClosed = true
    this.shop.forget(this.lookAgain)
    for (const arrival of Array.from(this.arrivals.values())) this.withdraw(arrival)
    this.wakeAll()
  }

  /** Its pieces that the part touches: the first, and just after the last. */
  piecesOf(offset: number, length: number): { readonly at: number; readonly until: number } {
    const { contentSize, pieceSize } = this.layout
    const end = Math.min(contentSize, offset + length)
    return { at: Math.floor(offset / pieceSize), until: Math.ceil(Math.max(end, offset) / pieceSize) }
  }

  lengthOf(piece: number): number {
    return this.layout.length(piece as PieceIndex)
  }
}
