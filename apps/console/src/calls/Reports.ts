/** Questions about what devices reported. */
import { path, ReportAdminRpcs } from "@piecework/reports/ReportAdminRpcs"
import type { Span } from "@piecework/reports/Days"
import type * as Views from "@piecework/reports/Views"
import { calls } from "./Service.ts"
import type { Question } from "./useAsk.ts"

const reports = calls(ReportAdminRpcs, path)

export const summary = (days: Span): Question<Views.Summary> => ({
  key: ["reports", "summary", days],
  ask: reports((client) => client.Summary({ days }))
})
