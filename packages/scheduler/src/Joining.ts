/** Sources that come and go, and what they hold and allow. */
import * as Bitfield from "@piecework/domain/Bitfield"
import { deviceOf } from "@piecework/domain/Peer"
import * as Crossing from "./Crossing.ts"
import type { Choked, PeerHas, PeerHolds, SourceId, SourceJoined, Unchoked } from "./Event.ts"
import * as Bits from "./internal/Bits.ts"
import type { Draft } from "./internal/Draft.ts"
import { room } from "./Pace.ts"
import * as Plan from "./Plan.ts"
import { countAll, isHeld, weightOf } from "./Rarity.ts"
import { isReady, type Source } from "./Source.ts"
import { badPieces, isOut } from "./Strikes.ts"

export const join = (draft: Draft, event: SourceJoined): void => {
  leave(draft, event.source)
  const { now, pieceCount } = draft.plan
  const held =
    event.held === "all" ? Bitfield.full(pieceCount) : fits(draft, event.held) ? event.held : Bitfield.empty(pieceCount)
  const source: Source = {
    id: event.source,
    kind: event.kind,
    peer: event.peer,
    device: event.peer === undefined ? undefined : deviceOf(event.peer),
    host: event.host,
    held,
    heldCount: Bitfield.count(held),
    chokedAt: event.choked === true ? now : undefined,
    out: undefined,
    wholeFile: false,
    flights: [],
    pendingCount: 0,
    delivered: 0,
    rate: undefined,
    usualTime: undefined,
    tickAt: now,
    tickBytes: 0,
    progressAt: now,
    failures: 0,
    retryAt: 0,
    restUntil: 0,
    freshAt: now
  }
  if (draft.plan.outcome === "Waiting") draft.plan.outcome = "Running"
  draft.put(isOut(draft, source) ? { ...source, out: badPieces } : source)
  countAll(draft, source, 1)
  draft.hungry.add(source.id)
}

/** What it owed is wanted again, and nothing is said to it any more. */
export const leave = (draft: Draft, id: SourceId): void => {
  for (let source = draft.source(id); source !== undefined; source = draft.source(id)) {
    const flight = source.flights[0]
    if (flight === undefined) {
      countAll(draft, source, -1)
      draft.remove(id)
      draft.wake()
      return
    }
    draft.drop(source, flight)
  }
}

export const has = (draft: Draft, event: PeerHas): void => {
  const source = draft.source(event.source)
  const { piece } = event
  if (source === undefined || !Plan.isPiece(draft.plan, piece) || Bits.has(source.held.bytes, piece)) return
  const isFresh = !isHeld(draft.plan, piece)
  const next: Source = {
    ...source,
    held: Bitfield.add(source.held, piece),
    heldCount: source.heldCount + 1,
    freshAt: isFresh ? draft.plan.now : source.freshAt
  }
  draft.put(next)
  draft.count(piece, weightOf(source))
  if (Bits.has(draft.plan.held.bytes, piece) || !isReady(next, draft.plan.now) || room(draft.plan, next) === 0) return
  // Nobody has asked for it.
  if (!Bits.has(draft.plan.needed.bytes, piece)) return
  // A peer with room to spare had nothing else to give, so this piece is all there is to think about.
  if (!Bits.has(draft.plan.wanted.bytes, piece)) draft.hungry.add(source.id)
  else if (Crossing.mayAsk(draft.plan, next, piece)) draft.fetch(next, { first: piece, count: 1 }, "Rarest")
}

export const holds = (draft: Draft, event: PeerHolds): void => {
  const source = draft.source(event.source)
  if (source === undefined || !fits(draft, event.held)) return
  countAll(draft, source, -1)
  const next: Source = { ...source, held: event.held, heldCount: Bitfield.count(event.held) }
  draft.put(next)
  countAll(draft, next, 1)
  draft.wake()
}

/** A peer that chokes drops what was asked of it. */
export const choked = (draft: Draft, event: Choked): void => {
  const source = draft.source(event.source)
  if (source === undefined || source.chokedAt !== undefined) return
  draft.put({ ...source, chokedAt: draft.plan.now })
  draft.cancelAll(source.id, "Choked")
}

export const unchoked = (draft: Draft, event: Unchoked): void => {
  const source = draft.source(event.source)
  if (source === undefined || source.chokedAt === undefined) return
  draft.put({ ...source, chokedAt: undefined })
  draft.hungry.add(source.id)
}

const fits = (draft: Draft, held: Bitfield.Bitfield): boolean =>
  held.pieceCount === draft.plan.pieceCount && held.bytes.length === Bitfield.byteLength(held.pieceCount)
