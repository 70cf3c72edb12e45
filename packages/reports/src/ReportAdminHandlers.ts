/** What administrators ask about reports, once it is sure that they may. */
import { Caller } from "@piecework/cloud/Caller"
import { describe, mayDo } from "@piecework/cloud/Identity"
import { RequestRefused } from "@piecework/cloud/RoleError"
import type { DatabaseError } from "@piecework/database/DatabaseError"
import { Effect } from "effect"
import { path, ReportAdminRpcs } from "./ReportAdminRpcs.ts"
import { Reports } from "./Reports.ts"

const allowed = Effect.flatMap(Caller, ({ externalIp, identity }) =>
  mayDo(identity, "Read")
    ? Effect.void
    : Effect.andThen(
        Effect.logWarning("A request was refused.").pipe(
          Effect.annotateLogs({ route: path, address: externalIp, reason: "Scope", token: describe(identity) })
        ),
        Effect.fail(new RequestRefused({ reason: "NotAllowed" }))
      )
)

/** The caller cannot help a database that fails, so it sees a service that does. */
const reading = <A>(self: Effect.Effect<A, DatabaseError>) => Effect.andThen(allowed, Effect.orDie(self))

export const layer = ReportAdminRpcs.toLayer(
  Effect.gen(function* () {
    const reports = yield* Reports
    return ReportAdminRpcs.of({
      Summary: ({ days }) => reading(reports.summary(days)),
      Devices: (page) => reading(reports.devices(page)),
      Contents: (page) => reading(reports.contents(page)),
      Groups: (page) => reading(reports.groups(page)),
      One: (one) => reading(reports.one(one)),
      Events: (page) => reading(reports.events(page)),
      DeviceEvents: (page) => reading(reports.eventsOf(page))
    })
  })
)
