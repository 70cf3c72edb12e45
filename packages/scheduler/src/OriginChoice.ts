/**
 * What the origin is asked for. Only for free pieces: wanted, and held by no neighbour that answers. With leases, those that
 * are leased to this client and no others (`Leases`). Only below a rate that somebody said is it asked for more (`Floor`). Without, the neighbours share: of the free pieces first the client's own, in the order of the shares. Then others' shares, and these with care, because who asks for what is not
 * told, only what has come:
 *
 * - Owners go through their shares from the front; helpers come from the back, and stay away from as many pieces as the owner
 *   has under way and will have asked for by the time the helper is done. Those are the owner's until it shows nothing
 *   for a while (`Pace.patience`).
 * - Each piece has a line of clients: the second in it is the first helper, the others wait for their turn. So when an
 *   owner is stuck, one client takes over and not all of them.
 *
 */
import type { Bitfield } from "@piecework/domain/Bitfield"
import type { PeerId } from "@piecework/domain/Peer"
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
import { isSilent, isSitePeer, type Source } from "./Source.ts"

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
  const owners = ownersOf(plan)
  const shares = sharesAmong(draft, owners)
  const scene: Scene = { plan, shares, owners, answered, origin, length }
  const run = ownShare(scene) ?? othersShare(scene)
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
  const shares = isFollowed ? undefined : sharesAmong(draft, ownersOf(plan))
  const fits = (piece: number) =>
    isFree(plan, answered, piece) &&
    (Leases.isLeased(plan, piece) || (shares !== undefined && Shares.rankOf(shares, piece) === 0))
  const first = Reading.next(plan, fits, isUrgent)
  if (first === undefined) return undefined
  const most = isUrgent ? 1 : Pace.runLength(plan, origin)
  const count = lengthFrom(plan, first, most, fits)
  return { run: { first, count }, reason: Leases.isLeased(plan, first) ? "Leased" : "Reading" }
}

/** What is lacking of the rate that the download has to have: of its own share first, so that neighbours take something else. */
const belowFloor = (draft: Draft, origin: Source): Choice | undefined => {
  const { plan } = draft
  const due = Floor.due(plan)
  if (due === 0) return undefined
  const most = origin.failures > 0 ? 1 : due
  const shares = sharesAmong(draft, ownersOf(plan))
  const fits = (piece: number) => Bits.has(plan.wanted.bytes, piece)
  for (const group of shares.order) {
    const end = Math.min(plan.pieceCount, (group + 1) * shares.groupSize)
    for (let piece = group * shares.groupSize; piece < end; piece++) {
      if (!fits(piece)) continue
      const count = lengthFrom(plan, piece, most, fits)
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
  const owners = ownersOf(plan)
  const shares = sharesAmong(draft, owners)
  const answered = heldByAnswering(plan)
  const patience = Pace.patience(plan, origin, Pace.depth(plan, origin))
  if (turnAt(shares, owners, 0, () => patience, false) > plan.now) return false
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
  const owners = ownersOf(plan)
  const shares = sharesAmong(draft, owners)
  const patience = Pace.patience(plan, origin, plan.settings.runsInFlight)
  return turnAt(shares, owners, Shares.groupOf(shares, piece), () => patience, false) <= plan.now
}

interface Scene {
  readonly plan: Plan
  readonly shares: Shares.Shares
  /** The neighbours that the shares are among. */
  readonly owners: ReadonlyArray<Source>
  /** What the neighbours hold that answer; `undefined` when all of them do. */
  readonly answered: Bitfield | undefined
  readonly origin: Source
  /** Pieces in one request at most. */
  readonly length: number
}

const isFree = (plan: Plan, answered: Bitfield | undefined, piece: number): boolean =>
  Bits.has(plan.wanted.bytes, piece) &&
  (!isHeld(plan, piece) || (answered !== undefined && !Bits.has(answered.bytes, piece)))

type Owner = Source & { readonly peer: PeerId }

/** Peers of the site that still fetch. Those elsewhere have a line of their own, and see other neighbours. */
const ownersOf = (plan: Plan): ReadonlyArray<Owner> => {
  const owners: Array<Owner> = []
  for (const source of plan.sources.values()) {
    if (isOwner(source) && source.heldCount < plan.pieceCount) owners.push(source)
  }
  return owners
}

const isOwner = (source: Source): source is Owner =>
  source.peer !== undefined && isSitePeer(source) && source.out === undefined

const sharesAmong = (draft: Draft, owners: ReadonlyArray<Owner>): Shares.Shares => {
  const members = owners.map((owner) => owner.peer)
  const { plan } = draft
  if (!Shares.isAmong(plan.shares, members)) plan.shares = Shares.make(plan.pieceCount, plan.self, members)
  return plan.shares
}

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

/**
 * When this client's turn for the group comes, in epoch milliseconds: each before it in the line has so long to show a sign
 * that it gets pieces from the origin, counted from its last sign or from the turn of the one before it. The owner of
 * pieces that it will not get to soon is passed over.
 */
const turnAt = (
  shares: Shares.Shares,
  owners: ReadonlyArray<Source>,
  group: number,
  patienceFor: (owner: number) => number,
  passesOwner: boolean
): number => {
  let at = -Infinity
  const start = group * Shares.lineLength
  for (let i = passesOwner ? start + 1 : start; i < start + Shares.lineLength; i++) {
    const member = shares.line[i] ?? -1
    if (member < 0) return at
    at = Math.max(owners[member]?.freshAt ?? -Infinity, at) + patienceFor(member)
  }
  return at
}

/** Calls `visit` with the free pieces of a group, in order, until it answers false. */
const eachFree = (scene: Scene, group: number, visit: (piece: PieceIndex) => boolean): boolean => {
  const { plan, shares } = scene
  const end = Math.min(plan.pieceCount, (group + 1) * shares.groupSize)
  for (let piece = group * shares.groupSize; piece < end; piece++) {
    if (isFree(plan, scene.answered, piece) && !visit(piece as PieceIndex)) return false
  }
  return true
}

/** What is leased to this client, in the order of the file. */
const leasedRun = (plan: Plan, answered: Bitfield | undefined, most: number): PieceRun | undefined => {
  const fits = (piece: number) => Leases.isLeased(plan, piece) && isFree(plan, answered, piece)
  const leased = plan.leases.pieces.bytes
  for (let i = 0; i < leased.length; i++) {
    if (((leased[i] ?? 0) & (plan.wanted.bytes[i] ?? 0)) === 0) continue
    for (let piece = i * 8; piece < i * 8 + 8; piece++) {
      if (fits(piece)) return { first: piece as PieceIndex, count: lengthFrom(plan, piece, most, fits) }
    }
  }
  return undefined
}

const ownShare = (scene: Scene): PieceRun | undefined => {
  const { plan, shares } = scene
  let first: PieceIndex | undefined
  let left = 0
  const enough = scene.length * plan.settings.shareParts
  for (const group of shares.order) {
    if (shares.rank[group] !== 0) continue
    const more = eachFree(scene, group, (piece) => {
      first ??= piece
      return ++left < enough
    })
    if (!more) break
  }
  if (first === undefined) return undefined
  const most = shares.members.length === 0 ? scene.length : part(scene, left)
  const isOwn = (piece: number) => Shares.rankOf(shares, piece) === 0 && isFree(plan, scene.answered, piece)
  return { first, count: lengthFrom(scene.plan, first, most, isOwn) }
}

/** What an owner has to do with its share. */
interface Outlook {
  /** Free pieces of the share. */
  readonly left: number
  /** Milliseconds that it is given to show something. */
  readonly patience: number
  /** It has shown nothing for that long. */
  readonly isOver: boolean
  /** Pieces at the front that are left to it: those under way, and those it asks for while a helper fetches one. */
  readonly reserve: number
}

const outlooks = (scene: Scene): ReadonlyArray<Outlook> => {
  const { plan, shares, owners } = scene
  const counts = new Uint32Array(owners.length)
  for (let group = 0; group < shares.groupCount; group++) {
    const owner = Shares.ownerOf(shares, group)
    if (owner >= 0) eachFree(scene, group, () => (counts[owner] = (counts[owner] ?? 0) + 1) > 0)
  }
  return owners.map((owner, i) => {
    const left = counts[i] ?? 0
    const underWay = plan.settings.runsInFlight * part(scene, left)
    const patience = Pace.patience(plan, scene.origin, underWay)
    const reserve = underWay + plan.settings.runsInFlight + 1
    return { left, patience, isOver: owner.freshAt + patience <= plan.now, reserve }
  })
}

const othersShare = (scene: Scene): PieceRun | undefined => {
  const { plan, shares, owners } = scene
  if (owners.length === 0) return undefined
  const outlook = outlooks(scene)
  const patienceFor = (owner: number) => outlook[owner]?.patience ?? 0
  const seen = new Uint32Array(owners.length)
  let best: { readonly first: PieceIndex; readonly most: number; readonly rank: number } | undefined
  for (const group of shares.order) {
    const owner = Shares.ownerOf(shares, group)
    const { left, isOver, reserve } = outlook[owner] ?? nothing
    let first: PieceIndex | undefined
    eachFree(scene, group, (piece) => {
      const place = seen[owner] ?? 0
      seen[owner] = place + 1
      if (isOver || place >= reserve) first ??= piece
      return true
    })
    const rank = shares.rank[group] ?? 0
    // Later groups win over earlier ones of the same rank: helpers come from the back.
    if (first === undefined || (best !== undefined && rank > best.rank)) continue
    if (turnAt(shares, owners, group, patienceFor, !isOver) > plan.now) continue
    best = { first, most: isOver ? part(scene, left) : 1, rank }
  }
  if (best === undefined) return undefined
  const group = Shares.groupOf(shares, best.first)
  const fits = (piece: number) => Shares.groupOf(shares, piece) === group && isFree(plan, scene.answered, piece)
  return { first: best.first, count: lengthFrom(scene.plan, best.first, best.most, fits) }
}

/** The outlook of this client's own groups: there is nothing for it to help with. */
const nothing: Outlook = { left: 0, patience: 0, isOver: false, reserve: Infinity }

/** How long a request may be when so many pieces of a share are left. */
const part = (scene: Scene, left: number): number =>
  Math.min(scene.length, Math.max(1, Math.floor(left / scene.plan.settings.shareParts)))

const lengthFrom = (plan: Plan, first: number, most: number, fits: (piece: number) => boolean): number => {
  let length = 1
  while (length < most && first + length < plan.pieceCount && fits(first + length)) length++
  return length
}

const reasonFor = (scene: Scene, piece: PieceIndex): FetchReason => {
  if (isHeld(scene.plan, piece)) return "HoldersSilent"
  return Shares.rankOf(scene.shares, piece) === 0 ? "OwnShare" : "OthersShare"
}
