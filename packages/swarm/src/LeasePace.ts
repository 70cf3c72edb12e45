/** The numbers of leases, and why each is what it is. Times are milliseconds. */

export interface LeasePace {
  /** A run is what its member gets from the origin in this time. 2000: long against a round trip, short to wait for. */
  readonly runTime: number
  /** Pieces in a run at most. 16, as the longest request to the origin. */
  readonly longestRun: number
  /** Pieces that one member may have leased. 256, the most that a message holds. */
  readonly mostLeased: number
  /** Pieces that a site may have leased at first, all members together. 8: fills most lines, and no line for long. */
  readonly windowFirst: number
  /** … and later: as many as come in this time. 4000: a run, and until the service is told that it came. */
  readonly windowTime: number
  /** What the line has shown counts for so much less each second. 0.05. */
  readonly flowLoss: number
  /** Leases that a member may have at first. 2: two requests, so that its line does not rest. */
  readonly trustFirst: number
  /** … if it says that it has had leases before: after a restart of the service its runs go on. 32: two of the longest. */
  readonly trustKnown: number
  /** How many more with each that it kept. 4: a fast client has as many as it can use after a few round trips. */
  readonly trustStep: number
  /** From one ask to the next that says "still there". 2000: a member that dies is missed within seconds. */
  readonly renew: number
  /** The same while a member wants leases and there are none. 500. */
  readonly starved: number
  /** … but so much for each member, up to `renew`. 50: twenty asks a second fill what a line makes free, whoever asks. */
  readonly starvedPerMember: number
  /** Both are at least so much for each member, so that a site of any size asks at most 200 times a second. 5. */
  readonly perMember: number
  /** A member that is silent for three times `renew` and this is gone. 2000: one ask may be lost on the way. */
  readonly grace: number
  /** Between two looks for the silent. 1000. */
  readonly sweep: number
  /** For so long a table that begins anew only takes what members say that they have. 4000: all retry within that. */
  readonly settle: number
  /** A lease goes to somebody else after so many times what one takes here. 3: a false alarm costs a piece. */
  readonly hedgeFactor: number
  /** … but not before. 5000: machines with too much to do stop for seconds, and go on. */
  readonly hedgeLeast: number
  /** … and while no lease has ended here. 15 000. */
  readonly hedgeUnknown: number
  /** What a member takes for a lease is an average over about so many. 4: lines fill up, so the first ones say little. */
  readonly average: number
  /** Leases lost in a row after which a member loses all and gets none. 3. */
  readonly strikes: number
  /** … for so long. 60 000. */
  readonly block: number
  /** Whoever is so many times slower than the average gets none of the last pieces. 3. */
  readonly tooSlow: number
  /**
   * For so long others wait for pieces that one member alone holds, and get none of them, before it counts as holding
   * nothing. 8000: less than `isolatedAfter`, so that one that gives nothing does not let all go their own ways.
   */
  readonly barrenAfter: number
  /** For so long others' pieces do not reach a member before it may fetch them itself. 10 000: no LAN is so slow. */
  readonly isolatedAfter: number
}

export const defaults: LeasePace = {
  runTime: 2000,
  longestRun: 16,
  mostLeased: 256,
  windowFirst: 8,
  windowTime: 4000,
  flowLoss: 0.05,
  trustFirst: 2,
  trustKnown: 32,
  trustStep: 4,
  renew: 2000,
  starved: 500,
  starvedPerMember: 50,
  perMember: 5,
  grace: 2000,
  sweep: 1000,
  settle: 4000,
  hedgeFactor: 3,
  hedgeLeast: 5000,
  hedgeUnknown: 15_000,
  average: 4,
  strikes: 3,
  block: 60_000,
  tooSlow: 3,
  barrenAfter: 8000,
  isolatedAfter: 10_000
}

/** Milliseconds between two asks of one of so many members. */
export const pauses = (pace: LeasePace, members: number): { readonly renew: number; readonly starved: number } => {
  const renew = Math.max(pace.renew, members * pace.perMember)
  return { renew, starved: Math.min(renew, Math.max(pace.starved, members * pace.starvedPerMember)) }
}
