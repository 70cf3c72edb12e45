/** Questions about what swarms do now. */
import type { ContentId } from "@piecework/domain/Content"
import { type LiveInside, type LiveSwarm, type LiveTotals, mostRows } from "@piecework/swarm/LiveView"
import { path, SwarmRpcs } from "@piecework/swarm/SwarmRpcs"
import { Effect } from "effect"
import { calls } from "./Service.ts"
import type { Question } from "./useAsk.ts"

const swarms = calls(SwarmRpcs, path)

/** All swarms together. */
export const totals: Question<LiveTotals> = {
  key: ["swarms", "totals"],
  ask: swarms((client) => client.Totals())
}

/** The same every 5 seconds for the last 20 minutes. */
export const history: Question<ReadonlyArray<LiveTotals>> = {
  key: ["swarms", "history"],
  ask: swarms((client) => client.History({}))
}

export interface LivePage {
  /** Swarms with members in all. */
  readonly count: number
  readonly swarms: ReadonlyArray<LiveSwarm>
  readonly next?: number
}

/** Swarms of the whole service, those with most members first. */
export const live = (skip: number): Question<LivePage> => ({
  key: ["swarms", "live", skip],
  ask: swarms((client) => client.Live({ skip, most: mostRows, order: "Members" }))
})

/** One swarm: its sites, and its first members with who feeds them. */
export const inside = (contentId: ContentId, group: string | undefined): Question<LiveInside | null> => ({
  key: ["swarms", "inside", contentId, group],
  ask: swarms((client) =>
    client
      .Inside({ contentId, most: mostRows, ...(group === undefined ? {} : { group }) })
      // Nobody is in it: that is an answer.
      .pipe(Effect.catchTag("SwarmUnknown", () => Effect.succeed(null)))
  )
})
