/**
 * The rate that somebody said a download has to have: while the peers give less, the origin makes up for it, whatever
 * is leased and whoever holds it. Only so much more is asked for as is lacking. Source: spec.md §1, DOMinBackgroundQos.
 *
 * Nobody has to say one, and then there is none: what leases and shares leave to neighbours stays with them.
 */
import type { Floor as FloorEvent } from "./Event.ts"
import type { Draft } from "./internal/Draft.ts"
import type { Plan } from "./Plan.ts"

export interface Floor {
  /** Bytes a millisecond. */
  readonly rate: number
  /** From then on it is looked at whether the sources reach it, in epoch milliseconds. */
  readonly from: number
  /** What was asked of the origin to reach it is to last until then, in epoch milliseconds. */
  readonly paidUntil: number
}

export const set = (draft: Draft, event: FloorEvent): void => {
  const { plan } = draft
  const rate = event.rate === undefined ? 0 : event.rate / 1000
  plan.floor =
    rate > 0 && Number.isFinite(rate)
      ? { rate, from: plan.floor?.from ?? plan.now + plan.settings.floorAfter, paidUntil: plan.floor?.paidUntil ?? 0 }
      : undefined
  draft.wake()
}

/** The origin may be asked from now on: what came before says nothing about the time with it. */
export const begin = (draft: Draft): void => {
  const { plan } = draft
  if (plan.floor === undefined) return
  plan.floor = { ...plan.floor, from: Math.max(plan.floor.from, plan.now + plan.settings.floorAfter) }
}

/** Bytes a millisecond that are lacking; 0 when none are, or when it is too early to say. */
export const lacking = ({ floor, now, sources }: Plan): number => {
  if (floor === undefined || now < floor.from) return 0
  let rate = 0
  // One that has nothing under way gives nothing, however fast it was.
  for (const source of sources.values()) if (source.flights.length > 0) rate += source.rate ?? 0
  return Math.max(0, floor.rate - rate)
}

/** How many pieces more the origin is to be asked for now: what is lacking for about a second, and then no more until it is over. */
export const due = (plan: Plan): number => {
  if (plan.floor === undefined || plan.now < plan.floor.paidUntil) return 0
  const rate = lacking(plan)
  if (rate === 0) return 0
  return Math.min(plan.settings.longestRun, Math.max(1, Math.floor((rate * second) / plan.layout.pieceSize)))
}

/** So many pieces were asked for. */
export const pay = (draft: Draft, pieces: number): void => {
  const { plan } = draft
  const rate = lacking(plan)
  if (plan.floor === undefined || rate === 0) return
  // What it is late by is made up for, since it is looked at only from time to time.
  const from = Math.max(plan.floor.paidUntil, plan.now - second / 2)
  plan.floor = { ...plan.floor, paidUntil: from + (pieces * plan.layout.pieceSize) / rate }
}

const second = 1000
