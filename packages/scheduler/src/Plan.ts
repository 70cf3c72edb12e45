/**
 * What is held, wanted and under way, and what is known of the sources. A plan is a value: no event changes it, it leads
 * to another plan that shares what stayed the same.
 *
 * Invariant: a piece that is needed is Held, Wanted or InFlight, and InFlight means that it is being verified or that a joined source
 * owes it. It is in `held`, in `wanted` or in neither. Outside the endgame only one source owes it. A piece that nobody needs is asked
 * of nobody; it may come by in the stream of a whole file, and is kept then.
 */
import * as Bitfield from "@piecework/domain/Bitfield"
import type { DeviceId, PeerId } from "@piecework/domain/Peer"
import type { PieceIndex, PieceLayout } from "@piecework/domain/PieceLayout"
import type { SourceId } from "./Event.ts"
import type * as Floor from "./Floor.ts"
import * as Bits from "./internal/Bits.ts"
import * as Counts from "./internal/Counts.ts"
import * as Leases from "./Leases.ts"
import * as Reading from "./Reading.ts"
import { defaults, type Settings } from "./Settings.ts"
import * as Shares from "./Shares.ts"
import type { Source } from "./Source.ts"

/** Who sent the bytes that are being verified; it may have left since. */
export interface Deliverer {
  readonly source: SourceId
  readonly peer: PeerId | undefined
  readonly device: DeviceId | undefined
  readonly host: string | undefined
}

export interface Plan {
  readonly layout: PieceLayout
  readonly pieceCount: number
  readonly self: PeerId
  readonly seed: number
  readonly settings: Settings
  /** When the last event happened, in epoch milliseconds. */
  readonly now: number

  readonly held: Bitfield.Bitfield
  readonly heldCount: number
  /** What is to be fetched in the end; it only grows. */
  readonly needed: Bitfield.Bitfield
  readonly neededCount: number
  /** Of these, how many are not held. */
  readonly missingCount: number
  /** Missing, and asked of nobody. */
  readonly wanted: Bitfield.Bitfield
  readonly wantedCount: number
  /** All bytes are here. */
  readonly verifying: ReadonlyMap<PieceIndex, Deliverer>

  /** In the order in which they joined. */
  readonly sources: ReadonlyMap<SourceId, Source>
  /** By piece: who holds it, near sources in the upper 16 bits, peers elsewhere in the lower. The origin is not counted. */
  readonly rarity: Counts.Counts
  /** The origin's shares, when they were last needed. */
  readonly shares: Shares.Shares
  readonly originAllowed: boolean
  readonly leases: Leases.Leases
  readonly floor: Floor.Floor | undefined
  /** What comes before everything else, because somebody reads it. */
  readonly reading: ReadonlyArray<Reading.Run>

  /** Bad pieces by device, or by source where there is none. */
  readonly strikes: ReadonlyMap<string, number>
  /** By host: the devices there that delivered a good piece; two are enough to know. */
  readonly honest: ReadonlyMap<string, ReadonlyArray<DeviceId>>
  /** The first sources that were given up, and why. */
  readonly failures: ReadonlyArray<{ readonly source: SourceId; readonly reason: string }>
  /** It waits until the first source joins. */
  readonly outcome: "Waiting" | "Running" | "Exhausted" | "Finished"
}

export const make = (options: {
  readonly layout: PieceLayout
  /** What is held already. A bitfield of another length counts as empty. */
  readonly held: Bitfield.Bitfield
  /** The pieces that are to be fetched, until more are (`Want`, `Reading`). Default all. A bitfield of another length counts as empty. */
  readonly wanted?: Bitfield.Bitfield | undefined
  /** This client. Shares of the origin go by it, so it must be the id that peers see. */
  readonly self: PeerId
  /** Decides between choices that are equally good; the same seed and events give the same commands. */
  readonly seed: number
  readonly settings?: Partial<Settings> | undefined
  /** A service is being asked for leases: until `Leased` or `LeasesOff` nothing is asked of the origin. Default false. */
  readonly awaitsLeases?: boolean | undefined
}): Plan => {
  const { layout, self } = options
  const pieceCount = layout.pieceCount
  const held = options.held.pieceCount === pieceCount ? options.held : Bitfield.empty(pieceCount)
  const heldCount = Bitfield.count(held)
  const needed = neededOf(options.wanted, pieceCount)
  const wanted = Bits.minus(needed, held)
  const wantedCount = Bitfield.count(wanted)
  return {
    layout,
    pieceCount,
    self,
    seed: options.seed | 0,
    settings: { ...defaults, ...options.settings },
    now: 0,
    held,
    heldCount,
    needed,
    neededCount: Bitfield.count(needed),
    missingCount: wantedCount,
    wanted,
    wantedCount,
    verifying: new Map(),
    sources: new Map(),
    rarity: Counts.make(pieceCount),
    shares: Shares.make(pieceCount, self, []),
    originAllowed: true,
    leases: Leases.make(pieceCount, options.awaitsLeases === true ? "Asked" : "Off"),
    floor: undefined,
    reading: [],
    strikes: new Map(),
    honest: new Map(),
    failures: [],
    outcome: "Waiting"
  }
}

const neededOf = (wanted: Bitfield.Bitfield | undefined, pieceCount: number): Bitfield.Bitfield => {
  if (wanted === undefined) return Bitfield.full(pieceCount)
  return wanted.pieceCount === pieceCount ? wanted : Bitfield.empty(pieceCount)
}

/** A number from outside is a piece of this content. */
export const isPiece = (self: Plan, n: number): n is PieceIndex => Number.isInteger(n) && n >= 0 && n < self.pieceCount

/** Every piece that is needed is held. */
export const isFinished = (self: Plan): boolean => self.missingCount === 0

/** Every piece is held: nothing can happen any more. */
export const isComplete = (self: Plan): boolean => self.heldCount === self.pieceCount

/** Needed pieces whose bytes are not all here. */
export const remaining = (self: Plan): number => {
  if (self.neededCount === self.pieceCount) return self.missingCount - self.verifying.size
  let verifying = 0
  for (const piece of self.verifying.keys()) if (Bits.has(self.needed.bytes, piece)) verifying++
  return self.missingCount - verifying
}

/** Only the last few pieces are left, and each is asked of somebody. */
export const isEndgame = (self: Plan): boolean =>
  self.wantedCount === 0 &&
  remaining(self) <= Math.max(self.settings.endgamePieces, Math.ceil(self.neededCount * self.settings.endgameShare))

/** How many sources owe the piece. */
export const fetchers = (self: Plan, piece: PieceIndex): number => {
  let count = 0
  for (const source of self.sources.values()) {
    for (const flight of source.flights) {
      const bit = piece - flight.run.first
      if (bit >= 0 && bit < flight.run.count && Bits.has(flight.pending, bit)) count++
    }
  }
  return count
}
