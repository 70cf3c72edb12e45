/**
 * Rarest first: of the pieces that a source holds and this client wants, the one that the fewest neighbours hold, so that no
 * piece hangs on one device for long. What the site lacks counts more than what the world lacks. Equals are in an order of
 * this client's own, so that clients that see the same do not all ask for the same.
 */
import type { Bitfield } from "@piecework/domain/Bitfield"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import * as Bits from "./internal/Bits.ts"
import * as Counts from "./internal/Counts.ts"
import type { Draft } from "./internal/Draft.ts"
import * as Hash from "./internal/Hash.ts"
import type { Plan } from "./Plan.ts"
import { type Source, takesRuns } from "./Source.ts"

/** What one holder adds to a piece's count. Peers elsewhere only decide between pieces that are as rare in the site. */
export const weightOf = (source: Source): number => {
  switch (source.kind) {
    case "Origin":
      return 0
    case "Group":
    case "Internet":
      return 1
    case "CacheServer":
    case "LinkLocal":
    case "Lan":
    case "LocalCache":
      return near
  }
}

/** Counts what the source holds in (`sign` 1) or out (`sign` -1). */
export const countAll = (draft: Draft, source: Source, sign: 1 | -1): void => {
  const weight = weightOf(source) * sign
  if (weight !== 0) Bits.forEach(source.held.bytes, (piece) => draft.count(piece, weight))
}

/** Somebody but the origin holds the piece. */
export const isHeld = (plan: Plan, piece: number): boolean => Counts.get(plan.rarity, piece) > 0

/** Somebody of the site holds the piece. */
export const isHeldNear = (plan: Plan, piece: number): boolean => Counts.get(plan.rarity, piece) >= near

/** What a near holder adds to the count. */
const near = 0x1_0000

const anything = () => true

/**
 * The rarest wanted piece that the source holds and that `may` be asked of it. Looks at a bounded number, from a place that
 * changes.
 */
export const rarest = (
  plan: Plan,
  held: Bitfield,
  may: (piece: number) => boolean = anything
): PieceIndex | undefined => {
  if (plan.wantedCount === 0) return undefined
  const wanted = plan.wanted.bytes
  const length = wanted.length
  const start = plan.pieceCount <= plan.settings.candidates ? 0 : Hash.mix(plan.seed ^ (plan.wantedCount * 31)) % length
  let best: PieceIndex | undefined
  let bestCount = Infinity
  let bestTie = 0
  let looked = 0
  for (let n = 0; n < length && looked < plan.settings.candidates; n++) {
    const i = n + start < length ? n + start : n + start - length
    let byte = (wanted[i] ?? 0) & (held.bytes[i] ?? 0)
    if (byte === 0) continue
    const counts = Counts.chunkOf(plan.rarity, i * 8)
    while (byte !== 0) {
      const bit = Math.clz32(byte) - 24
      byte &= ~(0x80 >> bit)
      looked++
      const piece = i * 8 + bit
      const count = counts[piece & Counts.chunkMask] ?? 0
      if (count > bestCount || !may(piece)) continue
      const tie = Hash.mix(plan.seed ^ piece)
      if (count === bestCount && tie >= bestTie) continue
      best = piece as PieceIndex
      bestCount = count
      bestTie = tie
    }
  }
  return best
}

/** How many pieces from `first` on are wanted, held by the source and as rare: what one request may ask for together. */
export const runFrom = (plan: Plan, held: Bitfield, first: PieceIndex, most: number): number => {
  const count = Counts.get(plan.rarity, first)
  let length = 1
  while (
    length < most &&
    first + length < plan.pieceCount &&
    Bits.has(plan.wanted.bytes, first + length) &&
    Bits.has(held.bytes, first + length) &&
    Counts.get(plan.rarity, first + length) === count
  ) {
    length++
  }
  return length
}

/** What a source other than the origin is asked for next. */
export const choose = (
  plan: Plan,
  source: Source,
  most: number,
  may?: (piece: number) => boolean
): { first: PieceIndex; count: number } | undefined => {
  const first = rarest(plan, source.held, may)
  if (first === undefined) return undefined
  return { first, count: takesRuns(source) ? runFrom(plan, source.held, first, most) : 1 }
}
