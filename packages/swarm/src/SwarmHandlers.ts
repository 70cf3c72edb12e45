/** Answers administrators about swarms, once it is sure that they may ask. */
import { Caller } from "@piecework/cloud/Caller"
import { mayDo } from "@piecework/cloud/Identity"
import { RequestRefused } from "@piecework/cloud/RoleError"
import { Effect } from "effect"
import { SwarmRpcs } from "./SwarmRpcs.ts"
import { Swarms } from "./Swarms.ts"

const allowed = Effect.flatMap(Caller, ({ identity }) =>
  mayDo(identity, "Read") ? Effect.void : Effect.fail(new RequestRefused({ reason: "NotAllowed" }))
)

export const layer = SwarmRpcs.toLayer(
  Effect.map(Swarms, (swarms) =>
    SwarmRpcs.of({
      List: () => Effect.andThen(allowed, swarms.list),
      Show: ({ contentId, groupId }) =>
        Effect.andThen(
          allowed,
          Effect.mapError(swarms.look(contentId, groupId), () => new RequestRefused({ reason: "Overloaded" }))
        ),
      Live: () => Effect.andThen(allowed, Effect.fail(new RequestRefused({ reason: "Overloaded" }))),
      Inside: () => Effect.andThen(allowed, Effect.fail(new RequestRefused({ reason: "Overloaded" }))),
      Totals: () => Effect.andThen(allowed, Effect.fail(new RequestRefused({ reason: "Overloaded" }))),
      History: () => Effect.andThen(allowed, Effect.fail(new RequestRefused({ reason: "Overloaded" })))
    })
  )
)
