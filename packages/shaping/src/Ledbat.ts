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
  /** Before then a calm line gets no new slow start: the last one has shown where the queue begins. */
  readonly restartAfter: number
  /** When something was last heard. */
  readonly heardAt: number
}

export type Phase =
  /** The window grows by a share each round trip, until it has `threshold` bytes or the queue grows. */
  | {
      readonly _tag: "SlowStart"
      readonly threshold: number
      readonly growth: number
      /** Of the slowdown that this makes good. */
      readonly slowdownBegan: number | undefined
    }
  /** The window follows the queue; what was sent before `deafUntil` is answered already. */
  | { readonly _tag: "Steady"; readonly deafUntil: number }
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
export const target = 25

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

/**
 * By how much of itself the window grows in a round trip of slow start: less than TCP's doubling, since all that is sent before
 * the first delay is heard of waits in the queue. After a slowdown it only gets back to where it was.
 */
const growths = { begin: 1 / 2, slowdown: 1 }

/** When less than this share of the target waits for so many round trips and milliseconds, the line has room: start again. */
const calmShare = 1 / 4
const calmRoundTrips = 8
const calmLeast = 500

/** So long after a slow start that the queue has ended. */
const restartRoundTrips = 100
const restartLeast = 5000

/** Silence after which the window says nothing of the line any more. */
const idleRoundTrips = 4
const idleLeast = 1000

/** The most that one window's worth of receipts takes from the window. */
const steepest = 1 / 2

export const initial = (now: number): Ledbat => ({
  window: initialWindow,
  phase: { _tag: "SlowStart", threshold: largestWindow, growth: growths.begin, slowdownBegan: undefined },
  slowdownAt: undefined,
  calmSince: undefined,
  restartAfter: now,
  heardAt: now
})

/** With what the receiver said. */
export const hear = (state: Ledbat, heard: Heard): Ledbat => {
  const { now } = heard
  const { phase } = state
  const next = { ...state, heardAt: now }
  if (phase._tag === "Slowdown") {
    if (now < phase.until) return next
    const growth = growths.slowdown
    return { ...next, phase: { _tag: "SlowStart", threshold: phase.window, growth, slowdownBegan: phase.began } }
  }
  return phase._tag === "SlowStart" ? start(next, phase, heard) : now < phase.deafUntil ? next : follow(next, heard)
}

/** Before sending again when nothing is under way: after a silence it begins anew, up to the window that was. */
export const resume = (state: Ledbat, now: number, roundTrip: number): Ledbat =>
  now - state.heardAt <= Math.max(idleLeast, idleRoundTrips * roundTrip) || state.window <= initialWindow
    ? state
    : {
        ...state,
        window: initialWindow,
        phase: { _tag: "SlowStart", threshold: state.window, growth: growths.begin, slowdownBegan: undefined },
        calmSince: undefined,
        heardAt: now
      }

const start = (state: Ledbat, phase: Phase & { readonly _tag: "SlowStart" }, heard: Heard): Ledbat => {
  const { now, queueing, received, roundTrip } = heard
  const felt = queueing > target * slowStartShare
  const window =
    felt || !isUsed(state, heard)
      ? state.window
      : bounded(state.window + phase.growth * Math.min(received, state.window))
  if (!felt && window < phase.threshold) return { ...state, window }
  // What the slowdown took is made good by a long time without one. After the very first slow start one comes at once: only
  // now is there a queue, of ours or of others, and nobody knows yet which.
  const slowdownAt =
    phase.slowdownBegan !== undefined
      ? now + Math.max(slowdownLeast, slowdownRarity * (now - phase.slowdownBegan))
      : (state.slowdownAt ?? now + 2 * roundTrip)
  return {
    ...state,
    // What is felt now was sent a round trip ago, when the window was so much smaller.
    window: felt ? bounded(window / (1 + phase.growth)) : Math.min(window, phase.threshold),
    phase: { _tag: "Steady", deafUntil: now + roundTrip },
    slowdownAt,
    restartAfter: felt ? now + Math.max(restartLeast, restartRoundTrips * roundTrip) : state.restartAfter
  }
}

const follow = (state: Ledbat, heard: Heard): Ledbat => {
  const { now, queueing, received, roundTrip } = heard
  const used = isUsed(state, heard)
  const over = Math.max(0, queueing / target - 1)
  // So much of a window's worth of receipts is this one.
  const part = Math.min(1, received / state.window)
  // The growth is the same whatever waits: flows that feel one queue then come to one window, the larger ones from above.
  const change = (used ? segment : 0) - Math.min(over, steepest) * state.window
  const window = bounded(state.window + part * change)
  const calmSince =
    used && now >= state.restartAfter && queueing < target * calmShare ? (state.calmSince ?? now) : undefined
  const next = { ...state, window, calmSince }
  if (calmSince !== undefined && now - calmSince >= Math.max(calmLeast, calmRoundTrips * roundTrip)) {
    return {
      ...next,
      phase: { _tag: "SlowStart", threshold: largestWindow, growth: growths.begin, slowdownBegan: undefined },
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
