/** The Array role: the contract's joins, leaves and leases, carried to the swarms of contents that the caller may have. */
import { ArrayRpcs } from "@piecework/cloud/ArrayRpcs"
import { Caller } from "@piecework/cloud/Caller"
import { Gate } from "@piecework/cloud/Gate"
import { RequestRefused } from "@piecework/cloud/RoleError"
import { Effect } from "effect"
import { Swarms, SwarmUnavailable } from "./Swarms.ts"

export const layer = ArrayRpcs.toLayer(
  Effect.gen(function* () {
    const swarms = yield* Swarms
    const gate = yield* Gate
    return ArrayRpcs.of({
      Join: (request) =>
        Effect.flatMap(Caller, ({ externalIp, identity }) =>
          Effect.andThen(gate.pass(identity, request.contentId), overloaded(swarms.join(request, externalIp)))
        ),
      // Whoever may not have the content any more is not to stay in its swarm.
      Leave: (request) => Effect.flatMap(Caller, ({ externalIp }) => overloaded(swarms.leave(request, externalIp))),
      Lease: (request) =>
        Effect.flatMap(Caller, ({ externalIp, identity }) =>
          Effect.andThen(gate.pass(identity, request.contentId), overloaded(swarms.lease(request, externalIp)))
        )
    })
  })
)

const overloaded = <A, E>(asked: Effect.Effect<A, E | SwarmUnavailable>) =>
  Effect.catchIf(asked, isUnavailable, () => Effect.fail(new RequestRefused({ reason: "Overloaded" })))

const isUnavailable = (error: unknown): error is SwarmUnavailable => error instanceof SwarmUnavailable
