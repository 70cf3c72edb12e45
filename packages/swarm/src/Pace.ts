/**
 * When a member is to join again. Whoever comes second learns of the first at once; joining often for a while lets the
 * first, which may be the only one of the two that can dial, learn of the second. After that a join only says "still here".
 */
import { Duration } from "effect"

export interface Pace {
  /** While a download is new and has few candidates; jittered by half, so 1 to 3 seconds. Source: design.md §4. */
  readonly eager: Duration.Duration
  /** For how long after a member's first join it is eager. */
  readonly eagerFor: Duration.Duration
  /** Candidates that are enough: with ten connections a swarm is one piece, see scheduling.md. */
  readonly enough: number
  /** While a download runs otherwise; jittered by a fifth. */
  readonly active: Duration.Duration
  /** Once all is held; jittered by a fifth. Microsoft's clients are seen every 15 minutes. Source: spec.md §3.1. */
  readonly idle: Duration.Duration
  /** How long after a missed join a member is still handed out. */
  readonly grace: Duration.Duration
}

export const defaults: Pace = {
  eager: Duration.seconds(2),
  eagerFor: Duration.minutes(1),
  enough: 10,
  active: Duration.seconds(30),
  idle: Duration.minutes(5),
  grace: Duration.seconds(15)
}

/** `random` is in [0, 1); spans are milliseconds. */
export const nextJoin = (
  pace: Pace,
  member: {
    readonly isComplete: boolean
    readonly joinedFor: number
    readonly candidates: number
  },
  random: number
): number => {
  const around = (middle: Duration.Duration, spread: number) =>
    Math.round(Duration.toMillis(middle) * (1 + spread * (2 * random - 1)))
  if (member.isComplete) return around(pace.idle, 0.2)
  const eager = member.candidates < pace.enough && member.joinedFor < Duration.toMillis(pace.eagerFor)
  return eager ? around(pace.eager, 0.5) : around(pace.active, 0.2)
}

/** How long after a join the member counts as gone, in milliseconds: one join may be lost on the way. */
export const expiry = (pace: Pace, untilNextJoin: number): number => 2 * untilNextJoin + Duration.toMillis(pace.grace)

/** How long after its last message nobody needs a swarm: it must outlive the pauses between joins, or it would forget. */
export const idleTime = (pace: Pace): Duration.Duration => Duration.times(pace.idle, 3)
