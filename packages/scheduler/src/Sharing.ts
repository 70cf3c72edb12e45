/**
 * Which of the neighbours asks a server that all of them reach for which piece, when nobody leases any: of the pieces that are free
 * first the client's own, in the order of the shares. Then others' shares, and these with care, because who asks for what is not
 * told, only what has come:
 *
 * - Owners go through their shares from the front; helpers come from the back, and stay away from as many pieces as the owner
 *   has under way and will have asked for by the time the helper is done. Those are the owner's until it shows nothing
 *   for a while (`Pace.patience`).
 * - Each piece has a line of clients: the second in it is the first helper, the others wait for their turn. So when an
 *   owner is stuck, one client takes over and not all of them.
 */
import type { PeerId } from "@piecework/domain/Peer"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import type { PieceRun } from "./Event.ts"
import type { Draft } from "./internal/Draft.ts"
import * as Pace from "./Pace.ts"
import type { Plan } from "./Plan.ts"
import * as Shares from "./Shares.ts"
import { isSitePeer, type Source } from "./Source.ts"

export interface Scene {
  readonly plan: Plan
  readonly shares: Shares.Shares
  /** The neighbours that the shares are among. */
  readonly owners: ReadonlyArray<Source>
  /** Wanted, and nobody else is to be asked for it. */
  readonly isFree: (piece: number) => boolean
  /** The server. */
  readonly origin: Source
  /** Pieces in one request at most. */
  readonly length: number
}

export type Owner = Source & { readonly peer: PeerId }

/** Peers of the site that still fetch. Those elsewhere have a line of their own, and see other neighbours. */
export const ownersOf = (plan: Plan): ReadonlyArray<Owner> => {
  const owners: Array<Owner> = []
  for (const source of plan.sources.values()) {
    if (isOwner(source) && source.heldCount < plan.pieceCount) owners.push(source)
  }
  return owners
}

const isOwner = (source: Source): source is Owner =>
  source.peer !== undefined && isSitePeer(source) && source.out === undefined

export const sharesAmong = (draft: Draft, owners: ReadonlyArray<Owner>): Shares.Shares => {
  const members = owners.map((owner) => owner.peer)
  const { plan } = draft
  if (!Shares.isAmong(plan.shares, members)) plan.shares = Shares.make(plan.pieceCount, plan.self, members)
  return plan.shares
}

/**
 * When this client's turn for the group comes, in epoch milliseconds: each before it in the line has so long to show a sign
 * that it gets pieces from the origin, counted from its last sign or from the turn of the one before it. The owner of
 * pieces that it will not get to soon is passed over.
 */
export const turnAt = (
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
    if (scene.isFree(piece) && !visit(piece as PieceIndex)) return false
  }
  return true
}

export const ownShare = (scene: Scene): PieceRun | undefined => {
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
  const isOwn = (piece: number) => Shares.rankOf(shares, piece) === 0 && scene.isFree(piece)
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

export const othersShare = (scene: Scene): PieceRun | undefined => {
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
  const fits = (piece: number) => Shares.groupOf(shares, piece) === group && scene.isFree(piece)
  return { first: best.first, count: lengthFrom(scene.plan, best.first, best.most, fits) }
}

/** The outlook of this client's own groups: there is nothing for it to help with. */
const nothing: Outlook = { left: 0, patience: 0, isOver: false, reserve: Infinity }

/** How long a request may be when so many pieces of a share are left. */
const part = (scene: Scene, left: number): number =>
  Math.min(scene.length, Math.max(1, Math.floor(left / scene.plan.settings.shareParts)))

export const lengthFrom = (plan: Plan, first: number, most: number, fits: (piece: number) => boolean): number => {
  let length = 1
  while (length < most && first + length < plan.pieceCount && fits(first + length)) length++
  return length
}
