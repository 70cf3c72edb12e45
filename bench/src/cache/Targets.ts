/** What this project holds its cache server to. Pure. */
import type { Result } from "../site/SiteReport.ts"

export const targets = {
  /** Bodies that the origin sends for one file to all devices of a site, in files. */
  originCopies: 1.01,
  /** Until the last device has the file, over the time in which the line carries one copy; by plain clients. */
  lastOverIdeal: 1.07,
  /** One client by a cold cache, its rate over that without. */
  singleRatio: 0.98,
  /** Most that its first byte comes later, in milliseconds. */
  firstByteMillis: 10,
  /** Rate of what is kept, over that of nginx. */
  warmToNginx: 0.7
} as const

/** `null` for a case that no target speaks of. */
export const isWithin = (
  one: string,
  {
    devices,
    lastOverIdeal,
    originCopies,
    verified
  }: Pick<Result, "devices" | "lastOverIdeal" | "originCopies" | "verified">
): boolean | null => {
  if (one === "others") return null
  const copiesHold = verified === devices && originCopies !== null && originCopies <= targets.originCopies
  return one === "cold" || one === "cold-known"
    ? copiesHold && lastOverIdeal !== null && lastOverIdeal <= targets.lastOverIdeal
    : copiesHold
}
