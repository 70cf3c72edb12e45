/**
 * The cache nodes that operators made. Each change and its entry in the audit log are made together or not at all; what changes
 * nothing makes no entry.
 */
import { randomBytes } from "node:crypto"
import { type NodeChange, NodeId, type NodeSettings } from "@piecework/cloud/CacheNode"
import { mostNodes, NodeRefused } from "@piecework/cloud/CacheNodeAdminRpcs"
import type { Identity } from "@piecework/cloud/Identity"
import { Database } from "@piecework/database/Database"
import type { DatabaseError, Trouble } from "@piecework/database/DatabaseError"
import { Audit } from "@piecework/trust/Audit"
import { Credentials } from "@piecework/trust/Credentials"
import { Clock, Context, Effect, Layer, Option, type Redacted } from "effect"
import * as FigureTables from "./internal/FigureTables.ts"
import { migrations } from "./internal/migrations.ts"
import * as NodeTable from "./internal/NodeTable.ts"
import { changed, Node } from "./Node.ts"

/** What it takes to make a machine the node. */
export interface Deployment {
  readonly node: Node
  /** To enrol with, once; nobody will see it again. */
  readonly token: Redacted.Redacted<string>
  /** Epoch milliseconds. */
  readonly expiresAt: number
}

/** What changed after a version. */
export interface Changes {
  /** A node went since then: who keeps nodes begins anew, from version 0. */
  readonly isAnew: boolean
  readonly nodes: ReadonlyArray<Node>
}

export class Nodes extends Context.Service<
  Nodes,
  {
    readonly create: (who: Identity, settings: NodeSettings) => Effect.Effect<Node, DatabaseError | NodeRefused>
    /** By id or name, as everywhere here; `None` when there is no such node. */
    readonly update: (
      who: Identity,
      name: string,
      change: NodeChange
    ) => Effect.Effect<Option.Option<Node>, DatabaseError | NodeRefused>
    /** With its figures; the credential of its machine is revoked. */
    readonly remove: (who: Identity, name: string) => Effect.Effect<Option.Option<NodeId>, DatabaseError>
    readonly find: (name: string) => Effect.Effect<Option.Option<Node>, DatabaseError>
    /** By id, those after `after`. */
    readonly page: (page: {
      readonly after?: string | undefined
      readonly most: number
    }) => Effect.Effect<ReadonlyArray<Node>, DatabaseError>
    /** A token for the node's next machine; the one before that nobody used is revoked. */
    readonly deploy: (
      who: Identity,
      name: string,
      wanted: { readonly groups: ReadonlyArray<string>; readonly lifetimeSeconds: number }
    ) => Effect.Effect<Option.Option<Deployment>, DatabaseError>
    /** At most so many, the oldest change first. */
    readonly changes: (since: {
      readonly version: number
      readonly most: number
    }) => Effect.Effect<Changes, DatabaseError>
  }
>()("@piecework/nodes/Nodes") {
  static readonly layer: Layer.Layer<Nodes, DatabaseError, Audit | Credentials | Database> = Layer.effect(
    Nodes,
    Effect.gen(function* () {
      const database = yield* Database
      yield* database.migrate("nodes", migrations)
      return make(database, yield* Audit, yield* Credentials)
    })
  )

  /** In a database that lives in memory. */
  static readonly layerMemory: Layer.Layer<Nodes | Audit | Credentials | Database, DatabaseError> = Nodes.layer.pipe(
    Layer.provideMerge(Credentials.layer),
    Layer.provideMerge(Audit.layer),
    Layer.provideMerge(Database.layerMemory)
  )
}

/** Rows of figures that go at a time with their node. */
const removedAtOnce = 1000

const make = (
  { during, sql }: Database["Service"],
  audit: Audit["Service"],
  credentials: Credentials["Service"]
): Nodes["Service"] => {
  const table = NodeTable.make(sql)
  const figures = FigureTables.make(sql)
  const named = (name: string) => NodeTable.named(table, name)

  /** A change, whole or not at all. */
  const together =
    (operation: string) =>
    <A>(change: Effect.Effect<A, Trouble | NodeRefused>): Effect.Effect<A, DatabaseError | NodeRefused> =>
      sql.withTransaction(change).pipe(
        Effect.catchIf(
          (error): error is Exclude<typeof error, NodeRefused> => !(error instanceof NodeRefused),
          (error) => during(operation)(Effect.fail(error))
        )
      )

  /** No other node has the name. */
  const isFree = Effect.fnUntraced(function* (name: string, id?: NodeId) {
    const other = Option.getOrUndefined(yield* table.byName(name))
    if (other !== undefined && other.id !== id) return yield* new NodeRefused({ reason: "NameTaken", name })
  })

  const there = (id: NodeId) =>
    Effect.flatMap(table.byId(id), Effect.fromOption).pipe(Effect.catchTag("NoSuchElementError", Effect.die))

  const removeFigures = (id: NodeId) =>
    figures.removeSome(id, removedAtOnce).pipe(
      Effect.tap(() => Effect.yieldNow),
      Effect.repeat({ until: (gone) => gone === 0 })
    )

  return Nodes.of({
    create: Effect.fn("Nodes.create")((who, settings) =>
      together("make a cache node")(
        Effect.gen(function* () {
          yield* isFree(settings.name)
          if ((yield* table.count) >= mostNodes) {
            return yield* new NodeRefused({ reason: "TooMany", name: settings.name })
          }
          const now = yield* Clock.currentTimeMillis
          const id = NodeId.make(randomBytes(8).toString("hex"))
          yield* table.insert({
            id,
            settings,
            enrolment: null,
            device: null,
            toldAt: null,
            createdAt: now,
            updatedAt: now
          })
          yield* audit.record({ who, action: "node.create", subject: id, detail: told(settings) })
          return yield* there(id)
        })
      )
    ),

    update: Effect.fn("Nodes.update")((who, name, change) =>
      together("change a cache node")(
        Effect.gen(function* () {
          const before = yield* named(name)
          if (Option.isNone(before)) return before
          const { id, settings } = before.value
          const after = changed(settings, change)
          if (isSame(after, settings)) return before
          yield* isFree(after.name, id)
          yield* table.setSettings(id, after, yield* Clock.currentTimeMillis)
          yield* audit.record({ who, action: "node.update", subject: id, detail: toldChange(settings, after) })
          return Option.some(yield* there(id))
        })
      )
    ),

    remove: Effect.fn("Nodes.remove")(function* (who, name) {
      const removed = yield* neverRefused(
        together("delete a cache node")(
          Effect.gen(function* () {
            const found = yield* named(name)
            if (Option.isNone(found)) return Option.none()
            const { device, enrolment, id, settings } = found.value
            if (enrolment !== null) yield* credentials.revoke(who, "Enrolment", enrolment)
            if (device !== null) yield* credentials.revoke(who, "Device", device)
            yield* table.remove(id)
            yield* audit.record({ who, action: "node.delete", subject: id, detail: { name: settings.name } })
            return Option.some(id)
          })
        )
      )
      // What is left of them after a crash in between is forgotten when it is old.
      if (Option.isSome(removed)) yield* during("delete the figures of a cache node")(removeFigures(removed.value))
      return removed
    }),

    find: Effect.fn("Nodes.find")((name: string) => named(name), during("find a cache node")),

    page: Effect.fn("Nodes.page")(
      ({ after = "", most }) => table.page({ after, most }),
      during("list the cache nodes")
    ),

    deploy: Effect.fn("Nodes.deploy")((who, name, { groups, lifetimeSeconds }) =>
      neverRefused(
        together("make a token for a cache node")(
          Effect.gen(function* () {
            const found = yield* named(name)
            if (Option.isNone(found)) return Option.none()
            const { enrolment, id, settings } = found.value
            if (enrolment !== null) yield* credentials.revoke(who, "Enrolment", enrolment)
            const expiresAt = (yield* Clock.currentTimeMillis) + lifetimeSeconds * 1000
            const wanted = {
              kind: "Enrolment",
              name: `cache node ${settings.name}`,
              groups,
              uses: 1,
              expiresAt
            } as const
            const { credential, token } = yield* credentials.issue(who, wanted)
            yield* table.setEnrolment(id, credential.id)
            yield* audit.record({ who, action: "node.deploy", subject: id, detail: { enrolment: credential.id } })
            return Option.some({ node: yield* there(id), token, expiresAt })
          })
        )
      )
    ),

    changes: Effect.fn("Nodes.changes")(function* ({ most, version }) {
      const latest = yield* table.versions
      if (latest.version === version) return { isAnew: false, nodes: [] }
      if (version > 0 && latest.removed > version) return { isAnew: true, nodes: [] }
      return { isAnew: false, nodes: yield* table.since({ version, most }) }
    }, during("look for changes of cache nodes"))
  })
}

/** Only names are refused. */
const neverRefused = <A>(self: Effect.Effect<A, DatabaseError | NodeRefused>): Effect.Effect<A, DatabaseError> =>
  Effect.catchTag(self, "NodeRefused", Effect.die)

const isSame = (one: NodeSettings, other: NodeSettings): boolean =>
  JSON.stringify(inOrder(one)) === JSON.stringify(inOrder(other))

const inOrder = (settings: NodeSettings): ReadonlyArray<readonly [string, unknown]> =>
  Object.entries(settings).toSorted(([a], [b]) => (a < b ? -1 : 1))

/** Lists in the audit log are short: how many there are says enough. */
const mostTold = 16

const told = (settings: NodeSettings): { readonly [name: string]: unknown } =>
  Object.fromEntries(
    inOrder(settings).map(([name, value]) => [
      name,
      Array.isArray(value) && value.length > mostTold
        ? [...value.slice(0, mostTold), `and ${value.length - mostTold} more`]
        : value
    ])
  )

/** What is other than it was; what is absent on one side was or is not said. */
const toldChange = (before: NodeSettings, after: NodeSettings) => {
  const [was, is] = [told(before), told(after)]
  const differing = [...new Set([...Object.keys(was), ...Object.keys(is)])].filter(
    (name) => JSON.stringify(was[name]) !== JSON.stringify(is[name])
  )
  const only = (all: typeof was) =>
    Object.fromEntries(differing.flatMap((name) => (name in all ? [[name, all[name]]] : [])))
  return { before: only(was), after: only(is) }
}
