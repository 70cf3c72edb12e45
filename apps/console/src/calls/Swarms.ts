/** Questions about what swarms do now. */
import type { LiveTotals } from "@piecework/swarm/LiveView"
import { path, SwarmRpcs } from "@piecework/swarm/SwarmRpcs"
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
