/** The Array role: the contract's joins, leaves and leases, carried to the swarms. */
import { ArrayRpcs } from "@piecework/cloud/ArrayRpcs"
import { Caller } from "@piecework/cloud/Caller"
import { RequestRefused } from "@piecework/cloud/RoleError"
import { Effect } from "effect"
import { Swarms, SwarmUnavailable } from "./Swarms.ts"

export const layer = ArrayRpcs.toLayer(
  Effect.gen(function* () {
    const swarms = yield* Swarms
    return ArrayRpcs.of({
      Join: (request) => Effect.flatMap(Caller, ({ externalIp }) => overloaded(swarms.join(request, externalIp))),
      Leave: (request) => Effect.flatMap(Caller, ({ externalIp }) => overloaded(swarms.leave(request, externalIp))),
      Lease: (request) => Effect.flatMap(Caller, ({ externalIp }) => overloaded(swarms.lease(request, externalIp)))
    })
  })
)

const overloaded = <A, E>(asked: Effect.Effect<A, E | SwarmUnavailable>) =>
  Effect.catchIf(asked, isUnavailable, () => Effect.fail(new RequestRefused({ reason: "Overloaded" })))

const isUnavailable = (error: unknown): error is SwarmUnavailable => error instanceof SwarmUnavailable
