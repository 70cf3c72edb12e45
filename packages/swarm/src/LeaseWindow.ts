/**
 * How many pieces a site has leased at a time: about what its line brings in a few seconds. More would share the line with each
 * other and all come later, while nobody has anything to pass on; and the last ones would look as if they had stalled.
 */
import { HashMap } from "effect"
import type { LeaseDraft, Member } from "./internal/LeaseDraft.ts"

/**
 * How many more pieces may be leased to the member while so many are `free`: towards the end fewer, so that what is left is
 * spread over all and ends together. One that is alone, or that nobody's pieces reach, is in nobody's way.
 */
export const room = (draft: LeaseDraft, member: Member, free: number): number => {
  const { members } = draft.table
  const isAlone = HashMap.isEmpty(members) || (HashMap.size(members) === 1 && HashMap.has(members, member.id))
  if (isAlone || member.isolated) return Infinity
  const most = Math.min(size(draft), Math.max(draft.pace.windowFirst, free))
  return Math.max(0, most - draft.table.leasedCount)
}

/** It grows with each lease that is kept, and from time to time becomes what the line has shown. */
const size = ({ pace, table }: LeaseDraft): number =>
  Math.max(pace.windowFirst + table.keptCount, Math.ceil((table.flow * pace.windowTime) / 1000))

/** Milliseconds that the line needs for all that is leased; 0 while nothing is known of it. */
export const drain = ({ table }: LeaseDraft): number => (table.flow > 0 ? (1000 * table.leasedCount) / table.flow : 0)

/** From time to time: what came since the last time. */
export const measure = ({ now, pace, table }: LeaseDraft): void => {
  const seconds = (now - table.sweptAt) / 1000
  if (Number.isFinite(seconds)) {
    const average = (table.average + table.keptCount / seconds) / 2
    table.average = average
    // It falls slowly: a line that few leases kept idle is no thinner for it.
    table.flow = Math.max(average, table.flow * (1 - Math.min(1, pace.flowLoss * seconds)))
  }
  table.keptCount = 0
}
