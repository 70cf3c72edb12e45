/**
 * The scheduler: what to do, now that this happened. Pure, and total: any event may come at any time, and one that the plan
 * has nothing to do with leads to the same plan. The rooms behind each case:
 *
 *   Joining    sources that come and go, and what they hold
 *   Arrivals   pieces that come in;  Strikes  those that are bad;  WholeFile  those in a stream
 *   Trouble    sources that fail, stall, or send whole files only
 *   Rate       how fast they are;    Pace     how much that lets them have under way
 *   Refill     who gets work:        Reading  what somebody reads, before everything else
 *                                    Rarity   which piece of a neighbour
 *                                    OriginChoice   which pieces of the origin, by Leases or Shares, or below a Floor
 *                                    Crossing   which pieces of peers elsewhere
 *                                    Steal    what another should not go on with
 */
import * as Arrivals from "./Arrivals.ts"
import type { Command } from "./Command.ts"
import type { Event, Tick } from "./Event.ts"
import * as Bits from "./internal/Bits.ts"
import { Draft } from "./internal/Draft.ts"
import * as Floor from "./Floor.ts"
import * as Joining from "./Joining.ts"
import * as Leases from "./Leases.ts"
import * as Plan from "./Plan.ts"
import * as Rate from "./Rate.ts"
import * as Reading from "./Reading.ts"
import { refill } from "./Refill.ts"
import { isSitePeer } from "./Source.ts"
import * as Trouble from "./Trouble.ts"

/** The commands are to be carried out in order; the plan takes the place of the one that was given. */
export const decide = (plan: Plan.Plan, event: Event): readonly [ReadonlyArray<Command>, Plan.Plan] => {
  // One that is finished in part goes on when more is wanted.
  if (plan.outcome === "Finished" && Plan.isComplete(plan)) return [[], plan]
  const draft = new Draft(plan, event.now)
  apply(draft, event)
  refill(draft)
  conclude(draft)
  return draft.done()
}

const apply = (draft: Draft, event: Event): void => {
  switch (event._tag) {
    case "SourceJoined":
      return Joining.join(draft, event)
    case "SourceLeft":
      return Joining.leave(draft, event.source)
    case "PeerHas":
      return Joining.has(draft, event)
    case "PeerHolds":
      return Joining.holds(draft, event)
    case "Choked":
      return Joining.choked(draft, event)
    case "Unchoked":
      return Joining.unchoked(draft, event)
    case "PieceReceived":
      return Arrivals.received(draft, event)
    case "PieceHeld":
      return Arrivals.held(draft, event)
    case "PieceBad":
      return Arrivals.bad(draft, event)
    case "PieceLost":
      return Arrivals.lost(draft, event)
    case "FetchFailed":
      return Trouble.fetchFailed(draft, event)
    case "RangesIgnored":
      return Trouble.rangesIgnored(draft, event)
    case "Want":
      return Reading.want(draft, event)
    case "Reading":
      return Reading.read(draft, event)
    case "Tick":
      return tick(draft, event)
    case "OriginHeld":
      draft.plan.originAllowed = false
      return
    case "OriginAllowed":
      draft.plan.originAllowed = true
      Floor.begin(draft)
      return draft.wake()
    case "Floor":
      return Floor.set(draft, event)
    case "Leased":
      return Leases.leased(draft, event)
    case "LeasesOff":
      return Leases.off(draft)
  }
}

const tick = (draft: Draft, event: Tick): void => {
  for (const [id, bytes] of event.received) {
    const source = draft.source(id)
    if (source === undefined) continue
    const measured = Rate.ticked(source, bytes, draft.plan.now, draft.plan.settings)
    const isExcused = event.held?.has(id) === true && !isSitePeer(source)
    if (isExcused) draft.put({ ...measured, progressAt: draft.plan.now })
    else if (measured !== source) draft.put(measured)
  }
  Trouble.findStalled(draft)
  Leases.lookForQuiet(draft)
  draft.wake()
}

const conclude = (draft: Draft): void => {
  const { plan } = draft
  if (Plan.isFinished(plan)) {
    if (plan.outcome === "Finished") return
    for (const id of plan.sources.keys()) draft.cancelAll(id, "Duplicate")
    plan.outcome = "Finished"
    draft.commands.push({ _tag: "Finished" })
  } else if (plan.outcome === "Running" && isExhausted(plan)) {
    plan.outcome = "Exhausted"
    draft.commands.push({
      _tag: "Exhausted",
      missing: plan.missingCount,
      failures: plan.failures
    })
  }
}

/** Nothing is under way, and nobody who has not been given up holds anything that is wanted. */
const isExhausted = (plan: Plan.Plan): boolean => {
  if (plan.wantedCount < plan.missingCount) return false
  for (const source of plan.sources.values()) {
    if (source.flights.length > 0) return false
    if (source.out === undefined && Bits.meets(source.held, plan.wanted)) return false
  }
  return true
}
