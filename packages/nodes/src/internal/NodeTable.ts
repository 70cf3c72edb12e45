/** What is read and written of the nodes' table. Who calls a change owns the transaction. */
import { type NodeId, NodeSettings } from "@piecework/cloud/CacheNode"
import { LastHeartbeat } from "@piecework/cloud/CacheNodeAdminRpcs"
import type { Database } from "@piecework/database/Database"
import { Effect, Schema } from "effect"
import { SqlSchema, type Statement } from "effect/sql"
import { Node } from "../Node.ts"

const Settings = Schema.fromJsonString(NodeSettings)
const Heartbeat = Schema.fromJsonString(LastHeartbeat)

const encodeSettings = Schema.encodeSync(Settings)
const encodeHeartbeat = Schema.encodeSync(Heartbeat)

const Row = Schema.Struct({ ...Node.fields, settings: Settings, last: Schema.NullOr(Heartbeat) }).pipe(
  Schema.decodeTo(Node)
)

/** What a change of `node_version` counted. */
const Version = Schema.Struct({ version: Schema.Natural, removed: Schema.Natural })

export const make = (sql: Database["Service"]["sql"]) => {
  const select = (where: Statement.Fragment) => sql`
    SELECT id AS "id", settings AS "settings", enrolment AS "enrolment", device AS "device", last_heartbeat AS "last",
      told_at AS "toldAt", version AS "version", created_at AS "createdAt", updated_at AS "updatedAt"
    FROM nodes WHERE ${where}`
  const findBy = (column: "id" | "name" | "device" | "enrolment") =>
    SqlSchema.findOneOption({
      Request: Schema.String,
      Result: Row,
      execute: (value) => select(sql`${sql(column)} = ${value}`)
    })
  const versions = SqlSchema.findOne({
    Request: Schema.Void,
    Result: Version,
    execute: () => sql`SELECT version AS "version", removed AS "removed" FROM node_version`
  })(undefined).pipe(Effect.catchTag("NoSuchElementError", Effect.die))
  const newVersion = SqlSchema.findOne({
    Request: Schema.Void,
    Result: Schema.Struct({ version: Schema.Natural }),
    execute: () => sql`UPDATE node_version SET version = version + 1 RETURNING version AS "version"`
  })(undefined).pipe(
    Effect.map(({ version }) => version),
    Effect.catchTag("NoSuchElementError", Effect.die)
  )

  return {
    byId: findBy("id"),
    byName: findBy("name"),
    byDevice: findBy("device"),
    byEnrolment: findBy("enrolment"),
    /** Version of the last change, and of the last node that went. */
    versions,
    newVersion,
    page: SqlSchema.findAll({
      Request: Schema.Struct({ after: Schema.String, most: Schema.Natural }),
      Result: Row,
      execute: ({ after, most }) => sql`${select(sql`id > ${after}`)} ORDER BY id LIMIT ${most}`
    }),
    /** Those that changed after that version, the oldest change first. */
    since: SqlSchema.findAll({
      Request: Schema.Struct({ version: Schema.Natural, most: Schema.Natural }),
      Result: Row,
      execute: ({ most, version }) => sql`${select(sql`version > ${version}`)} ORDER BY version LIMIT ${most}`
    }),
    count: Effect.map(sql<{ readonly n: number | bigint }>`SELECT count(*) AS n FROM nodes`, ([row]) =>
      Number(row?.n ?? 0)
    ),

    insert: Effect.fnUntraced(function* (node: Omit<Node, "version" | "last">) {
      yield* sql`INSERT INTO nodes ${sql.insert({
        id: node.id,
        name: node.settings.name,
        settings: encodeSettings(node.settings),
        enrolment: node.enrolment,
        device: node.device,
        told_at: node.toldAt,
        version: yield* newVersion,
        created_at: node.createdAt,
        updated_at: node.updatedAt
      })}`
    }),

    setSettings: Effect.fnUntraced(function* (id: NodeId, settings: NodeSettings, updatedAt: number) {
      yield* sql`UPDATE nodes SET ${sql.update({
        name: settings.name,
        settings: encodeSettings(settings),
        version: yield* newVersion,
        updated_at: updatedAt
      })} WHERE id = ${id}`
    }),

    setEnrolment: (id: NodeId, enrolment: string) => sql`UPDATE nodes SET enrolment = ${enrolment} WHERE id = ${id}`,

    /** The device is the node from now on, and its token leads to nothing more. */
    bind: (id: NodeId, device: string) => sql`UPDATE nodes SET device = ${device}, enrolment = NULL WHERE id = ${id}`,

    /** Others are told of it where `isNews`. */
    setHeartbeat: Effect.fnUntraced(function* (id: NodeId, last: LastHeartbeat, isNews: boolean) {
      const told = isNews ? { told_at: last.at, version: yield* newVersion } : {}
      yield* sql`UPDATE nodes SET ${sql.update({ last_heartbeat: encodeHeartbeat(last), ...told })} WHERE id = ${id}`
    }),

    remove: Effect.fnUntraced(function* (id: NodeId) {
      yield* sql`DELETE FROM nodes WHERE id = ${id}`
      const version = yield* newVersion
      yield* sql`UPDATE node_version SET removed = ${version}`
    })
  }
}

export type NodeTable = ReturnType<typeof make>

/** By id or by name: no name has the form of an id. */
export const named = (table: NodeTable, name: string) =>
  /^[0-9a-f]{16}$/.test(name) ? table.byId(name) : table.byName(name)
