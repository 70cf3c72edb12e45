/** Forgets what is too old, a bounded number of rows at a time, so that nobody waits for it. */
import type { Database } from "@piecework/database/Database"
import { Duration, Effect } from "effect"
import * as Arrival from "../Arrival.ts"
import * as Days from "../Days.ts"
import type { ReportsConfig } from "../ReportsConfig.ts"

/** Ids are kept longer than any device sends an event again, or it would count twice. */
const idsKept = Duration.sum(Duration.millis(Arrival.oldest), Duration.days(2))

export const make = (sql: Database["Service"]["sql"], config: ReportsConfig["Service"]) => {
  const { sweepStep: step } = config

  const steps = (now: number) => {
    const before = (kept: Duration.Duration) => now - Duration.toMillis(kept)
    const events = before(Duration.max(config.keepEvents, idsKept))
    const sums = Days.dayOf(before(Duration.max(config.keepSums, Duration.days(28))))
    const members = Days.window(now, 28).from
    return [
      // They lie about in the order in which they came, so the first ones say whether there are old ones.
      sql`DELETE FROM report_events WHERE received_at < ${events}
        AND place IN (SELECT place FROM report_events ORDER BY place LIMIT ${step}) RETURNING place`,
      sql`DELETE FROM report_cells WHERE (facet, name, day, part) IN
        (SELECT facet, name, day, part FROM report_cells WHERE day < ${sums} LIMIT ${step}) RETURNING day`,
      // Only windows look at them, and none is longer.
      sql`DELETE FROM report_members WHERE (facet, name, device) IN
        (SELECT facet, name, device FROM report_members WHERE last_day < ${members} LIMIT ${step}) RETURNING last_day`,
      sql`DELETE FROM report_devices WHERE device IN
        (SELECT device FROM report_devices WHERE last_day < ${sums} LIMIT ${step}) RETURNING last_day`,
      sql`DELETE FROM report_contents WHERE content IN
        (SELECT content FROM report_contents WHERE last_day < ${sums} LIMIT ${step}) RETURNING last_day`
    ]
  }

  /** Until nothing is left that is too old; answers how many rows went. */
  return Effect.fnUntraced(function* (now: number) {
    let gone = 0
    for (const statement of steps(now)) {
      let deleted: number
      do {
        deleted = (yield* statement).length
        gone += deleted
        yield* Effect.yieldNow
      } while (deleted === step)
    }
    return gone
  })
}
