/** The node's side of the contract: takes a heartbeat, and tells the node what it is to do. */
import { CacheNodeRpcs, HeartbeatReply } from "@piecework/cloud/CacheNodeRpcs"
import { Caller } from "@piecework/cloud/Caller"
import { RequestRefused } from "@piecework/cloud/RoleError"
import { Clock, Effect, Option } from "effect"
import { Heartbeats } from "./Heartbeats.ts"
import { workOf } from "./Node.ts"
import { NodesConfig } from "./NodesConfig.ts"

export const layer = CacheNodeRpcs.toLayer(
  Effect.gen(function* () {
    const heartbeats = yield* Heartbeats
    const { heartbeatEvery } = yield* NodesConfig
    return CacheNodeRpcs.of({
      Heartbeat: Effect.fnUntraced(function* (request) {
        const { externalIp, identity } = yield* Caller
        // The caller cannot help a database that fails, so it sees a service that does.
        const taken = yield* Effect.orDie(heartbeats.take({ request, identity, externalIp }))
        if (Option.isNone(taken)) return yield* new RequestRefused({ reason: "NotAllowed" })
        const { id, settings } = taken.value
        const told = request.figures.map(({ minute }) => minute)
        return new HeartbeatReply({
          nodeId: id,
          name: settings.name,
          isEnabled: settings.isEnabled,
          work: workOf(settings),
          ...(told.length === 0 ? {} : { takenUntil: Math.max(...told) }),
          again: heartbeatEvery,
          now: yield* Clock.currentTimeMillis
        })
      })
    })
  })
)
