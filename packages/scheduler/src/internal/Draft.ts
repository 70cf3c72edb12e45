/**
 * The plan while one event changes it. Each table is copied before its first change, so the plan that the event met stays as it
 * was; a draft lives for one `decide` and is never handed out. Its methods are the only places where pieces change state.
 */
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import type { CancelReason, Command, FetchReason } from "../Command.ts"
import type { PieceRun, SourceId } from "../Event.ts"
import * as Plan from "../Plan.ts"
import type { Flight, Source } from "../Source.ts"
import * as Sources from "../Source.ts"
import * as Bits from "./Bits.ts"
import * as Counts from "./Counts.ts"

type Writable<A> = { -readonly [K in keyof A]: A[K] }

export class Draft {
  readonly plan: Writable<Plan.Plan>
  readonly commands: Array<Command> = []
  /** Sources that may have room for work now. */
  readonly hungry = new Set<SourceId>()

  readonly #rarity: Counts.Writer
  #held: Uint8Array | undefined
  #wanted: Uint8Array | undefined
  #needed: Uint8Array | undefined
  #sources: Map<SourceId, Source> | undefined
  #verifying: Map<PieceIndex, Plan.Deliverer> | undefined

  constructor(plan: Plan.Plan, now: number) {
    this.plan = { ...plan, now: now > plan.now ? now : plan.now }
    this.#rarity = new Counts.Writer(plan.rarity)
  }

  done(): readonly [ReadonlyArray<Command>, Plan.Plan] {
    this.plan.rarity = this.#rarity.counts
    return [this.commands, this.plan]
  }

  // Sources

  source(id: SourceId): Source | undefined {
    return this.plan.sources.get(id)
  }

  put(source: Source): void {
    this.#ownSources().set(source.id, source)
  }

  /** Forgets the source; what it owes must have been taken back before. */
  remove(id: SourceId): void {
    this.#ownSources().delete(id)
    this.hungry.delete(id)
  }

  /** Looks at every source again, because pieces came free. */
  wake(): void {
    for (const id of this.plan.sources.keys()) this.hungry.add(id)
  }

  #ownSources(): Map<SourceId, Source> {
    this.#sources ??= new Map(this.plan.sources)
    this.plan.sources = this.#sources
    return this.#sources
  }

  // Pieces

  /** One holder of the piece more or less, with that holder's weight. */
  count(piece: number, weight: number): void {
    this.#rarity.add(piece, weight)
    this.plan.rarity = this.#rarity.counts
  }

  #want(piece: PieceIndex): void {
    this.#setWanted(piece, true)
    this.wake()
  }

  #setWanted(piece: PieceIndex, wanted: boolean): void {
    if (Bits.has(this.plan.wanted.bytes, piece) === wanted) return
    this.#wanted ??= this.plan.wanted.bytes.slice()
    if (this.plan.wanted.bytes !== this.#wanted) this.plan.wanted = { ...this.plan.wanted, bytes: this.#wanted }
    if (wanted) Bits.set(this.#wanted, piece)
    else Bits.clear(this.#wanted, piece)
    this.plan.wantedCount += wanted ? 1 : -1
  }

  /** It is to be fetched, if it is not yet; whether that is new and it is not held. */
  need(piece: PieceIndex): boolean {
    if (Bits.has(this.plan.needed.bytes, piece)) return false
    this.#needed ??= this.plan.needed.bytes.slice()
    if (this.plan.needed.bytes !== this.#needed) this.plan.needed = { ...this.plan.needed, bytes: this.#needed }
    Bits.set(this.#needed, piece)
    this.plan.neededCount++
    if (Bits.has(this.plan.held.bytes, piece)) return false
    this.plan.missingCount++
    // The caller wakes everybody, once for all.
    if (!this.plan.verifying.has(piece) && Plan.fetchers(this.plan, piece) === 0) this.#setWanted(piece, true)
    return true
  }

  /** Wanted again, unless nobody needs it, it is here or somebody else owes it. */
  release(piece: PieceIndex): void {
    if (!Bits.has(this.plan.needed.bytes, piece)) return
    if (Bits.has(this.plan.held.bytes, piece) || this.plan.verifying.has(piece)) return
    if (Plan.fetchers(this.plan, piece) === 0) this.#want(piece)
  }

  hold(piece: PieceIndex): void {
    if (Bits.has(this.plan.held.bytes, piece)) return
    this.#setWanted(piece, false)
    this.#held ??= this.plan.held.bytes.slice()
    if (this.plan.held.bytes !== this.#held) this.plan.held = { ...this.plan.held, bytes: this.#held }
    Bits.set(this.#held, piece)
    this.plan.heldCount++
    if (Bits.has(this.plan.needed.bytes, piece)) this.plan.missingCount--
  }

  /** All bytes are here. */
  verify(piece: PieceIndex, deliverer: Plan.Deliverer): void {
    this.#setWanted(piece, false)
    this.#ownVerifying().set(piece, deliverer)
  }

  /** It has been told whether the bytes were right; answers who sent them. */
  verified(piece: PieceIndex): Plan.Deliverer | undefined {
    const deliverer = this.plan.verifying.get(piece)
    if (deliverer !== undefined) this.#ownVerifying().delete(piece)
    return deliverer
  }

  #ownVerifying(): Map<PieceIndex, Plan.Deliverer> {
    this.#verifying ??= new Map(this.plan.verifying)
    this.plan.verifying = this.#verifying
    return this.#verifying
  }

  // Flights

  /** Asks the source for the run; all its pieces are pending, or the given ones. */
  fetch(
    source: Source,
    run: PieceRun,
    reason: FetchReason,
    whole?: { readonly pending: ReadonlyArray<PieceIndex> }
  ): void {
    const pending = new Uint8Array((run.count + 7) >> 3)
    const pieces = whole?.pending ?? Array.from({ length: run.count }, (_, i) => (run.first + i) as PieceIndex)
    for (const piece of pieces) {
      Bits.set(pending, piece - run.first)
      this.#setWanted(piece, false)
    }
    const flight: Flight = {
      run,
      pending,
      pendingCount: pieces.length,
      since: this.plan.now,
      mark: source.delivered,
      position: whole === undefined ? undefined : run.first
    }
    this.put(Sources.addFlight(source, flight))
    this.commands.push({ _tag: "Fetch", source: source.id, run, reason })
    if (this.plan.outcome === "Exhausted") this.plan.outcome = "Running"
  }

  /** The source owes these pieces too now, in a flight that is under way. */
  extend(source: Source, flight: Flight, pieces: ReadonlyArray<PieceIndex>): void {
    if (pieces.length === 0) return
    const pending = flight.pending.slice()
    for (const piece of pieces) {
      Bits.set(pending, piece - flight.run.first)
      this.#setWanted(piece, false)
    }
    this.put(Sources.setPending(source, flight, pending, flight.pendingCount + pieces.length))
  }

  /** The source does not owe the piece any more. Of an ordinary flight that has nothing pending then nothing remains. */
  settle(source: Source, flight: Flight, piece: PieceIndex): void {
    const pending = flight.pending.slice()
    Bits.clear(pending, piece - flight.run.first)
    const count = flight.pendingCount - 1
    this.put(
      count === 0 && flight.position === undefined
        ? Sources.removeFlight(source, flight)
        : Sources.setPending(source, flight, pending, count)
    )
  }

  /** The flight is over: what it owed is wanted again. */
  drop(source: Source, flight: Flight): void {
    this.put(Sources.removeFlight(source, flight))
    this.hungry.add(source.id)
    for (const piece of Sources.pendingOf(flight)) this.release(piece)
  }

  /** Takes the flight back from the source, and hands what it owed to nobody yet: the caller must. */
  take(source: Source, flight: Flight, reason: CancelReason): ReadonlyArray<PieceIndex> {
    this.put(Sources.removeFlight(source, flight))
    this.hungry.add(source.id)
    this.commands.push({ _tag: "Cancel", source: source.id, run: flight.run, reason })
    return Sources.pendingOf(flight)
  }

  /** Takes the flight back: what it owed is wanted again. */
  cancel(source: Source, flight: Flight, reason: CancelReason): void {
    for (const piece of this.take(source, flight, reason)) this.release(piece)
  }

  /** Takes back everything that the source owes. */
  cancelAll(id: SourceId, reason: CancelReason): void {
    for (let source = this.source(id); source !== undefined; source = this.source(id)) {
      const flight = source.flights.at(-1)
      if (flight === undefined) return
      this.cancel(source, flight, reason)
    }
  }
}
