/**
 * What the origin is asked for. Only for free pieces: wanted, and held by no neighbour that answers, nor by a cache server. With leases,
 * those that are leased to this client and no others (`Leases`). Only below a rate that somebody said is it asked for more (`Floor`).
 * Without, the neighbours share (`Sharing`).
 */
import type { Bitfield } from "@piecework/domain/Bitfield"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import type { FetchReason } from "./Command.ts"
import type { PieceRun } from "./Event.ts"
import * as Floor from "./Floor.ts"
import * as Bits from "./internal/Bits.ts"
import type { Draft } from "./internal/Draft.ts"
import * as Leases from "./Leases.ts"
import * as Pace from "./Pace.ts"
import type { Plan } from "./Plan.ts"
import { isHeld } from "./Rarity.ts"
import * as Reading from "./Reading.ts"
import * as Shares from "./Shares.ts"
import * as Sharing from "./Sharing.ts"
import { isSilent, type Source } from "./Source.ts"

export interface Choice {
  readonly run: PieceRun
  readonly reason: FetchReason
}

/** What to ask the origin for next; `undefined` when there is nothing, or it is others' turn. */
export const choose = (draft: Draft, origin: Source): Choice | undefined => {
  const { plan } = draft
  if (!plan.originAllowed || plan.wantedCount === 0) return undefined
  const read = chooseRead(draft, origin, false)
  if (read !== undefined) return read
  const answered = heldByAnswering(plan)
  const length = Pace.runLength(plan, origin)
  const leased = leasedRun(plan, answered, length)
  if (leased !== undefined) return { run: leased, reason: "Leased" }
  if (Leases.areFollowed(plan)) return belowFloor(draft, origin)
  const owners = Sharing.ownersOf(plan)
  const shares = Sharing.sharesAmong(draft, owners)
  const scene = { plan, shares, owners, origin, length, isFree: (piece: number) => isFree(plan, answered, piece) }
  const run = Sharing.ownShare(scene) ?? Sharing.othersShare(scene)
  if (run === undefined) return belowFloor(draft, origin)
  return { run, reason: reasonFor(scene, run.first) }
}

/**
 * What somebody reads, as leases and shares allow, and what a reader has waited for too long; of those that wait for a piece now
 * that piece alone, if `isUrgent`.
 */
export const chooseRead = (draft: Draft, origin: Source, isUrgent: boolean): Choice | undefined => {
  const { plan } = draft
  if (plan.reading.length === 0 || !plan.originAllowed) return undefined
  const overdue = Reading.overdue(draft, origin)
  if (overdue !== undefined) return { run: { first: overdue, count: 1 }, reason: "ReaderWaits" }
  const answered = heldByAnswering(plan)
  const isFollowed = Leases.areFollowed(plan)
  const shares = isFollowed ? undefined : Sharing.sharesAmong(draft, Sharing.ownersOf(plan))
  const fits = (piece: number) =>
    isFree(plan, answered, piece) &&
    (Leases.isLeased(plan, piece) || (shares !== undefined && Shares.rankOf(shares, piece) === 0))
  const first = Reading.next(plan, fits, isUrgent)
  if (first === undefined) return undefined
  const most = isUrgent ? 1 : Pace.runLength(plan, origin)
  const count = Sharing.lengthFrom(plan, first, most, fits)
  return { run: { first, count }, reason: Leases.isLeased(plan, first) ? "Leased" : "Reading" }
}

/** What is lacking of the rate that the download has to have: of its own share first, so that neighbours take something else. */
const belowFloor = (draft: Draft, origin: Source): Choice | undefined => {
  const { plan } = draft
  const due = Floor.due(plan)
  if (due === 0) return undefined
  const most = origin.failures > 0 ? 1 : due
  const shares = Sharing.sharesAmong(draft, Sharing.ownersOf(plan))
  const fits = (piece: number) => Bits.has(plan.wanted.bytes, piece)
  for (const group of shares.order) {
    const end = Math.min(plan.pieceCount, (group + 1) * shares.groupSize)
    for (let piece = group * shares.groupSize; piece < end; piece++) {
      if (!fits(piece)) continue
      const count = Sharing.lengthFrom(plan, piece, most, fits)
      Floor.pay(draft, count)
      return { run: { first: piece as PieceIndex, count }, reason: "BelowFloor" }
    }
  }
  return undefined
}

/**
 * Whether it is this client's turn to ask an origin that sends whole files only. The file is one share then: the owner
 * of its first group streams it, and the others wait for what comes.
 */
export const mayStream = (draft: Draft, origin: Source): boolean => {
  const { plan } = draft
  if (!plan.originAllowed || plan.wantedCount === 0 || Leases.areAwaited(plan)) return false
  const owners = Sharing.ownersOf(plan)
  const shares = Sharing.sharesAmong(draft, owners)
  const answered = heldByAnswering(plan)
  const patience = Pace.patience(plan, origin, Pace.depth(plan, origin))
  if (Sharing.turnAt(shares, owners, 0, () => patience, false) > plan.now) return false
  for (let piece = 0; piece < plan.pieceCount; piece++) if (isFree(plan, answered, piece)) return true
  return false
}

/**
 * Whether it is this client's turn to ask the origin for a piece that a neighbour owes, when that takes too long: all
 * neighbours may find so at the same time.
 */
export const isTurn = (draft: Draft, origin: Source, piece: number): boolean => {
  const { plan } = draft
  if (!plan.originAllowed) return false
  if (Floor.lacking(plan) > 0) return true
  if (Leases.areFollowed(plan)) return Leases.isLeased(plan, piece)
  const owners = Sharing.ownersOf(plan)
  const shares = Sharing.sharesAmong(draft, owners)
  const patience = Pace.patience(plan, origin, plan.settings.runsInFlight)
  return Sharing.turnAt(shares, owners, Shares.groupOf(shares, piece), () => patience, false) <= plan.now
}

const isFree = (plan: Plan, answered: Bitfield | undefined, piece: number): boolean =>
  Bits.has(plan.wanted.bytes, piece) &&
  (!isHeld(plan, piece) || (answered !== undefined && !Bits.has(answered.bytes, piece)))

const heldByAnswering = (plan: Plan): Bitfield | undefined => {
  const answering: Array<Bitfield> = []
  let silent = false
  for (const source of plan.sources.values()) {
    if (source.kind === "Origin" || source.heldCount === 0) continue
    if (isSilent(source, plan.now, plan.settings.stallAfter)) silent = true
    else answering.push(source.held)
  }
  return silent ? Bits.union(plan.pieceCount, answering) : undefined
}

/** What is leased to this client, in the order of the file. */
const leasedRun = (plan: Plan, answered: Bitfield | undefined, most: number): PieceRun | undefined => {
  const fits = (piece: number) => Leases.isLeased(plan, piece) && isFree(plan, answered, piece)
  const leased = plan.leases.pieces.bytes
  for (let i = 0; i < leased.length; i++) {
    if (((leased[i] ?? 0) & (plan.wanted.bytes[i] ?? 0)) === 0) continue
    for (let piece = i * 8; piece < i * 8 + 8; piece++) {
      if (fits(piece)) return { first: piece as PieceIndex, count: Sharing.lengthFrom(plan, piece, most, fits) }
    }
  }
  return undefined
}

const reasonFor = (scene: Sharing.Scene, piece: PieceIndex): FetchReason => {
  if (isHeld(scene.plan, piece)) return "HoldersSilent"
  return Shares.rankOf(scene.shares, piece) === 0 ? "OwnShare" : "OthersShare"
}
