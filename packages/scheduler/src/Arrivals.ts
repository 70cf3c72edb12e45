/** Pieces that come in, and what verifying them says. */
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import type { PieceBad, PieceHeld, PieceLost, PieceReceived } from "./Event.ts"
import * as Bits from "./internal/Bits.ts"
import type { Draft } from "./internal/Draft.ts"
import * as Plan from "./Plan.ts"
import * as Rate from "./Rate.ts"
import { type Flight, flightOf, type Source } from "./Source.ts"
import { judge } from "./Steal.ts"
import { credit, strike } from "./Strikes.ts"
import * as WholeFile from "./WholeFile.ts"

export const received = (draft: Draft, event: PieceReceived): void => {
  const { plan } = draft
  const { piece } = event
  const source = draft.source(event.source)
  if (source === undefined || !Plan.isPiece(plan, piece)) return
  const stream = source.flights.find((flight) => flight.position !== undefined)
  const flight = stream ?? flightOf(source, piece)
  if (flight === undefined) return

  const measured = Rate.received(source, flight, event.bytes, plan.now, plan.settings)
  draft.put(measured)
  draft.hungry.add(source.id)
  if (!Bits.has(plan.held.bytes, piece) && !plan.verifying.has(piece)) {
    const { peer, device, host } = source
    draft.verify(piece, { source: source.id, peer, device, host })
    settleAll(draft, piece, source)
  }
  if (stream !== undefined) {
    const now = draft.source(source.id)
    const current = now?.flights.find((one) => one.position !== undefined)
    if (now !== undefined && current !== undefined) WholeFile.advance(draft, now, current, piece)
  }
}

export const held = (draft: Draft, event: PieceHeld): void => {
  const { piece } = event
  if (!Plan.isPiece(draft.plan, piece) || Bits.has(draft.plan.held.bytes, piece)) return
  const deliverer = draft.verified(piece)
  draft.hold(piece)
  settleAll(draft, piece, undefined)
  draft.commands.push({ _tag: "Announce", piece })
  if (deliverer !== undefined && deliverer.source === event.source) credit(draft, deliverer)
}

export const bad = (draft: Draft, event: PieceBad): void => {
  const { piece } = event
  if (draft.plan.verifying.get(piece)?.source !== event.source) return
  const deliverer = draft.verified(piece)
  if (deliverer !== undefined) strike(draft, deliverer, piece)
  draft.release(piece)
}

export const lost = (draft: Draft, event: PieceLost): void => {
  if (draft.plan.verifying.get(event.piece)?.source !== event.source) return
  draft.verified(event.piece)
  draft.release(event.piece)
}

/**
 * Nobody owes the piece any more: it is here, `from` one source if that has just answered. A fetch of which nothing else is
 * left is taken back, unless this was the last piece of its run; a longer one goes on, as no hole can be cut into it.
 */
const settleAll = (draft: Draft, piece: PieceIndex, from: Source | undefined): void => {
  for (const source of draft.plan.sources.values()) {
    const flight = flightOf(source, piece)
    if (flight === undefined) continue
    const isAnswered = source.id === from?.id && piece === flight.run.first + flight.run.count - 1
    judge(draft, flight, source.id === from?.id)
    if (!isAnswered && isLast(flight)) draft.take(source, flight, "Duplicate")
    else draft.settle(source, flight, piece)
  }
}

const isLast = (flight: Flight): boolean => flight.pendingCount === 1 && flight.position === undefined
