/** The contract's administration of cache nodes, for callers that may. */
import { CacheNodeAdminRpcs, maxPage, NodeUnknown } from "@piecework/cloud/CacheNodeAdminRpcs"
import { Caller } from "@piecework/cloud/Caller"
import { type Identity, mayDo, type OperatorScope } from "@piecework/cloud/Identity"
import { RequestRefused } from "@piecework/cloud/RoleError"
import type { DatabaseError } from "@piecework/database/DatabaseError"
import { Clock, Effect, Option } from "effect"
import { type Node, recordOf } from "./Node.ts"
import { NodeFigures } from "./NodeFigures.ts"
import { Nodes } from "./Nodes.ts"

export const layer = CacheNodeAdminRpcs.toLayer(
  Effect.gen(function* () {
    const nodes = yield* Nodes
    const figures = yield* NodeFigures
    return CacheNodeAdminRpcs.of({
      Create: Effect.fnUntraced(function* ({ settings }) {
        const who = yield* allowed("Admin")
        return yield* shown(yield* failing(nodes.create(who, settings)))
      }),
      Update: Effect.fnUntraced(function* ({ change, node }) {
        const who = yield* allowed("Admin")
        return yield* shown(yield* there(node, yield* failing(nodes.update(who, node, change))))
      }),
      Delete: Effect.fnUntraced(function* ({ node }) {
        const who = yield* allowed("Admin")
        return { id: yield* there(node, yield* failing(nodes.remove(who, node))) }
      }),
      List: Effect.fnUntraced(function* ({ after, most }) {
        yield* allowed("Read")
        const now = yield* Clock.currentTimeMillis
        const found = yield* failing(nodes.page({ after, most: Math.min(most, maxPage) + 1 }))
        const page = found.slice(0, most)
        const next = found.length > most ? page.at(-1)?.id : undefined
        return { nodes: page.map((node) => recordOf(node, now)), ...(next === undefined ? {} : { next }) }
      }),
      Show: Effect.fnUntraced(function* ({ node }) {
        yield* allowed("Read")
        return yield* shown(yield* found(nodes, node))
      }),
      Deployment: Effect.fnUntraced(function* ({ groups, lifetimeSeconds, node }) {
        const who = yield* allowed("Admin")
        const { baseUrl } = yield* Caller
        const wanted = { groups: [...new Set(groups)], lifetimeSeconds }
        const { expiresAt, node: deployed, token } = yield* there(node, yield* failing(nodes.deploy(who, node, wanted)))
        return { node: yield* shown(deployed), token, expiresAt, serviceUrl: baseUrl }
      }),
      Metrics: Effect.fnUntraced(function* ({ from, grain, most, node, until }) {
        yield* allowed("Read")
        return yield* failing(figures.rows({ node: yield* found(nodes, node), grain, from, until, most }))
      }),
      Overview: Effect.fnUntraced(function* ({ hours }) {
        yield* allowed("Read")
        return yield* failing(figures.overview(hours))
      })
    })
  })
)

/** The caller, if it may. */
const allowed = (scope: OperatorScope): Effect.Effect<Identity, RequestRefused, Caller> =>
  Effect.flatMap(Caller, ({ identity }) =>
    mayDo(identity, scope) ? Effect.succeed(identity) : Effect.fail(new RequestRefused({ reason: "NotAllowed" }))
  )

/** The caller cannot help a database that fails, so it sees a service that does. */
const failing = <A, E extends { readonly _tag: string }, R>(
  self: Effect.Effect<A, E | DatabaseError, R>
): Effect.Effect<A, Exclude<E, DatabaseError>, R> =>
  Effect.catchIf(self, (error): error is DatabaseError => error._tag === "DatabaseError", Effect.die) as Effect.Effect<
    A,
    Exclude<E, DatabaseError>,
    R
  >

const there = <A>(node: string, kept: Option.Option<A>): Effect.Effect<A, NodeUnknown> =>
  Option.isNone(kept) ? Effect.fail(new NodeUnknown({ node })) : Effect.succeed(kept.value)

const found = (nodes: Nodes["Service"], name: string) =>
  Effect.flatMap(failing(nodes.find(name)), (kept) => there(name, kept))

const shown = (node: Node) => Effect.map(Clock.currentTimeMillis, (now) => recordOf(node, now))
