/**
 * How much may be under way so that traffic nobody waits for yields to what somebody waits for: it fills a line that is
 * empty, and gives way as soon as bytes begin to wait in a queue, long before that queue is full. A decision only: told what
 * was received and how long bytes waited, it answers the window in bytes. Times are milliseconds.
 *
 * Source: RFC 6817 (LEDBAT), with three lessons of LEDBAT++ (draft-irtf-iccrg-ledbat-plus-plus): it slows down by a share
 * of its window and not by a fixed step, so that a flow that comes late gets its part; it slows down now and then by itself, so
 * that the queue of its own making is not taken for the length of the way; and slow start ends when the queue begins to grow.
 */

export interface Ledbat {
  /** Bytes that may be under way. */
  readonly window: number
  readonly phase: Phase
  /** When the next slowdown is due; `undefined` until the queue was felt for the first time. */
  readonly slowdownAt: number | undefined
  /** Since when next to nothing waits although the window was used; `undefined` while something does. */
  readonly calmSince: number | undefined
  /** When something was last heard. */
  readonly heardAt: number
}

export type Phase =
  /** The window doubles each round trip until it has `threshold` bytes or the queue grows. */
  | { readonly _tag: "SlowStart"; readonly threshold: number; readonly slowdownBegan: number | undefined }
  /** The window follows the queue. */
  | { readonly _tag: "Steady" }
  /** The window is small for two round trips, so that the queue of our own making drains. */
  | { readonly _tag: "Slowdown"; readonly began: number; readonly until: number; readonly window: number }

/** What the receiver said, and what follows from it. */
export interface Heard {
  /** When it was heard. */
  readonly now: number
  /** Bytes that are known to be received now and were not before. */
  readonly received: number
  /** Bytes that were under way before. */
  readonly inFlight: number
  /** How long bytes wait in queues. */
  readonly queueing: number
  /** From handing bytes over to hearing of them. */
  readonly roundTrip: number
}

/**
 * How long our bytes may make others wait. RFC 6817 allows 100 ms and LEDBAT++ takes 60; what a foreground flow sees is to stay
 * under 60 ms, with what comes beside the standing queue: the burst between two receipts, and the overshoot of a slow start.
 */
export const target = 30

/** Payload of a full frame on Ethernet, with time stamps. */
export const segment = 1448

/** Least window: two segments, so that it goes on and is heard of. Source: RFC 6817, MIN_CWND. */
export const leastWindow = 2 * segment

/** Window of the beginning: ten segments, as TCP begins. Source: RFC 6928. */
export const initialWindow = 10 * segment

/** More than 10 Gbit/s carry in 100 ms; beyond it the window does not tell anything. */
export const largestWindow = 128 * 1_048_576

/** A slowdown leaves this share of the window. */
const slowdownShare = 1 / 8

/** Of the time, slowdowns take one part in so many at most, and are no closer than that. */
const slowdownRarity = 30
const slowdownLeast = 2000

/** Slow start ends when this share of the target is felt. */
const slowStartShare = 3 / 4

/** When less than this share of the target waits for so many round trips and milliseconds, the line has room: start again. */
const calmShare = 1 / 4
const calmRoundTrips = 8
const calmLeast = 500

/** Silence after which the window says nothing of the line any more. */
const idleRoundTrips = 4
const idleLeast = 1000

/** The most that one window's worth of receipts takes from the window. */
const steepest = 1 / 2

export const initial = (now: number): Ledbat => ({
  window: initialWindow,
  phase: { _tag: "SlowStart", threshold: largestWindow, slowdownBegan: undefined },
  slowdownAt: undefined,
  calmSince: undefined,
  heardAt: now
})

/** With what the receiver said. */
export const hear = (state: Ledbat, heard: Heard): Ledbat => {
  const { now } = heard
  const { phase } = state
  const next = { ...state, heardAt: now }
  if (phase._tag === "Slowdown") {
    if (now < phase.until) return next
    return { ...next, phase: { _tag: "SlowStart", threshold: phase.window, slowdownBegan: phase.began } }
  }
  return phase._tag === "SlowStart" ? start(next, phase, heard) : follow(next, heard)
}

/** Before sending again when nothing is under way: after a silence it begins anew, up to the window that was. */
export const resume = (state: Ledbat, now: number, roundTrip: number): Ledbat =>
  now - state.heardAt <= Math.max(idleLeast, idleRoundTrips * roundTrip) || state.window <= initialWindow
    ? state
    : {
        ...state,
        window: initialWindow,
        phase: { _tag: "SlowStart", threshold: state.window, slowdownBegan: undefined },
        calmSince: undefined,
        heardAt: now
      }

const start = (state: Ledbat, phase: Phase & { readonly _tag: "SlowStart" }, heard: Heard): Ledbat => {
  const { now, queueing, received, roundTrip } = heard
  const felt = queueing > target * slowStartShare
  const window = felt || !isUsed(state, heard) ? state.window : bounded(state.window + received)
  if (!felt && window < phase.threshold) return { ...state, window }
  // What the slowdown took is made good by a long time without one. After the very first slow start one comes at once: only
  // now is there a queue, of ours or of others, and nobody knows yet which.
  const slowdownAt =
    phase.slowdownBegan !== undefined
      ? now + Math.max(slowdownLeast, slowdownRarity * (now - phase.slowdownBegan))
      : (state.slowdownAt ?? now + 2 * roundTrip)
  return { ...state, window: Math.min(window, phase.threshold), phase: { _tag: "Steady" }, slowdownAt }
}

const follow = (state: Ledbat, heard: Heard): Ledbat => {
  const { now, queueing, received, roundTrip } = heard
  const used = isUsed(state, heard)
  const over = queueing / target - 1
  // So much of a window's worth of receipts is this one.
  const part = Math.min(1, received / state.window)
  const change = over > 0 ? -Math.min(over, steepest) * state.window : used ? -over * segment : 0
  const window = bounded(state.window + part * change)
  const calmSince = used && queueing < target * calmShare ? (state.calmSince ?? now) : undefined
  const next = { ...state, window, calmSince }
  if (calmSince !== undefined && now - calmSince >= Math.max(calmLeast, calmRoundTrips * roundTrip)) {
    return {
      ...next,
      phase: { _tag: "SlowStart", threshold: largestWindow, slowdownBegan: undefined },
      calmSince: undefined
    }
  }
  // At a few segments we hold no queue that could drain.
  if (state.slowdownAt === undefined || now < state.slowdownAt || window < leastWindow / slowdownShare) return next
  return {
    ...next,
    window: bounded(window * slowdownShare),
    phase: { _tag: "Slowdown", began: now, until: now + 2 * roundTrip, window },
    calmSince: undefined
  }
}

/** Whether the window held us back: one that was not used says nothing of a larger one. */
const isUsed = (state: Ledbat, heard: Heard): boolean => heard.inFlight >= state.window / 2

const bounded = (window: number): number => Math.min(largestWindow, Math.max(leastWindow, window))
