/** The Reports role: devices' batches into the store. */
import { Caller } from "@piecework/cloud/Caller"
import { ReportRpcs } from "@piecework/cloud/ReportRpcs"
import { Effect } from "effect"
import { Reports } from "./Reports.ts"

export const layer = ReportRpcs.toLayer(
  Effect.gen(function* () {
    const reports = yield* Reports
    return ReportRpcs.of({
      Report: (request) =>
        Effect.gen(function* () {
          const { externalIp, identity } = yield* Caller
          // The caller cannot help a database that fails: it sees a service that does, and comes again.
          return yield* reports.take({ request, identity, externalIp }).pipe(
            Effect.tapErrorTag("DatabaseError", (error) => Effect.logError(error)),
            Effect.catchTag("DatabaseError", Effect.die)
          )
        })
    })
  })
)
