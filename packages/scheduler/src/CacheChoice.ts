/**
 * What a cache server is asked for. It costs the site's line nothing, but its own line is shared by all devices of the site: so it is
 * asked for what no neighbour holds, each device for its own share first (`Sharing`), and neighbours give each other the rest. Where
 * they cannot keep up with it, a device takes from it whatever it wants, the rarest first.
 */
import type { PieceRun } from "./Event.ts"
import * as Bits from "./internal/Bits.ts"
import type { Draft } from "./internal/Draft.ts"
import * as Pace from "./Pace.ts"
import type { Plan } from "./Plan.ts"
import * as Rarity from "./Rarity.ts"
import * as Reading from "./Reading.ts"
import * as Sharing from "./Sharing.ts"
import { isSilent, isSitePeer, type Source } from "./Source.ts"

export const choose = (draft: Draft, cache: Source): PieceRun | undefined => {
  const { plan } = draft
  if (plan.wantedCount === 0) return undefined
  // What is read it would have been given before, were nobody to be done with it sooner.
  const isLeft = (piece: number) => plan.reading.length === 0 || !Reading.isRead(plan, piece)
  const length = Pace.runLength(plan, cache)
  const neighbours = answering(plan)
  if (neighbours.length === 0 || isFaster(plan, neighbours, cache)) return Rarity.choose(plan, cache, length, isLeft)
  const near = Bits.union(
    plan.pieceCount,
    neighbours.map(({ held }) => held)
  )
  const isFree = (piece: number) =>
    Bits.has(plan.wanted.bytes, piece) &&
    Bits.has(cache.held.bytes, piece) &&
    !Bits.has(near.bytes, piece) &&
    isLeft(piece)
  const owners = Sharing.ownersOf(plan)
  const scene = { plan, shares: Sharing.sharesAmong(draft, owners), owners, origin: cache, length, isFree }
  return Sharing.ownShare(scene) ?? Sharing.othersShare(scene)
}

/** Those that give what they hold, or chose others to give it to only a moment ago. */
const answering = (plan: Plan): ReadonlyArray<Source> =>
  [...plan.sources.values()].filter(
    (source) => isSitePeer(source) && !isSilent(source, plan.now, plan.settings.readPatience)
  )

/**
 * The neighbours that have something to give are together slower than the cache server. One that was asked only a moment ago may be
 * fast; one that owes nothing has nothing that is wanted, since neighbours are given work first.
 */
const isFaster = (plan: Plan, neighbours: ReadonlyArray<Source>, cache: Source): boolean => {
  if (cache.rate === undefined) return false
  let rate = 0
  let busy = 0
  for (const neighbour of neighbours) {
    const [oldest] = neighbour.flights
    if (oldest === undefined) continue
    if (neighbour.rate === undefined && plan.now - oldest.since < plan.settings.stealAfter) return false
    rate += neighbour.rate ?? 0
    busy++
  }
  return busy > 0 && rate < cache.rate
}
