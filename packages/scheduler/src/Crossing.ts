/**
 * What may come over the site's line from peers elsewhere: nothing that a neighbour holds and would give, and, with leases,
 * only what this client has leased, so that the site takes each piece over its line once, wherever it comes from.
 */
import * as Bits from "./internal/Bits.ts"
import * as Leases from "./Leases.ts"
import type { Plan } from "./Plan.ts"
import { isHeldNear } from "./Rarity.ts"
import { isSilent, isSitePeer, type Source } from "./Source.ts"

/** Peers beyond the line. */
export const isFar = (source: Source): boolean => source.kind === "Group" || source.kind === "Internet"

/** Whether the source may be asked for the piece, as far as the line is concerned. */
export const mayAsk = (plan: Plan, source: Source, piece: number): boolean =>
  !isFar(source) || (!isGivenNear(plan, piece) && Leases.mayCross(plan, piece))

/** A neighbour that answers holds it. */
const isGivenNear = (plan: Plan, piece: number): boolean => {
  if (!isHeldNear(plan, piece)) return false
  for (const source of plan.sources.values()) {
    const isNear = isSitePeer(source) || source.kind === "CacheServer"
    if (isNear && Bits.has(source.held.bytes, piece) && !isSilent(source, plan.now, plan.settings.stallAfter))
      return true
  }
  return false
}
