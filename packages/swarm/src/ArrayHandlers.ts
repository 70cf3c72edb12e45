/** The Array role: the contract's joins, leaves and leases, carried to the swarms of contents that the caller may have. */
import { ArrayRpcs } from "@piecework/cloud/ArrayRpcs"
import { Caller } from "@piecework/cloud/Caller"
import { Gate } from "@piecework/cloud/Gate"
import { RequestRefused } from "@piecework/cloud/RoleError"
import { Effect } from "effect"
import { Swarms, type SwarmUnavailable } from "./Swarms.ts"

export const layer = ArrayRpcs.toLayer(
  Effect.gen(function* () {
    const swarms = yield* Swarms
    const gate = yield* Gate
    const refused = Effect.mapError((error: SwarmUnavailable | RequestRefused) =>
      error instanceof RequestRefused ? error : new RequestRefused({ reason: "Overloaded" })
    )
    return ArrayRpcs.of({
      Join: (request) =>
        Effect.flatMap(Caller, ({ externalIp, identity }) =>
          Effect.andThen(gate.pass(identity, request.contentId), refused(swarms.join(request, externalIp)))
        ),
      // Whoever may not have the content any more is not to stay in its swarm.
      Leave: (request) => Effect.flatMap(Caller, ({ externalIp }) => refused(swarms.leave(request, externalIp))),
      Lease: (request) =>
        Effect.flatMap(Caller, ({ externalIp, identity }) =>
          Effect.andThen(gate.pass(identity, request.contentId), refused(swarms.lease(request, externalIp)))
        )
    })
  })
)
