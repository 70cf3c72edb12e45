/**
 * What the operator says of settings to all devices, in the database: KeyValue hands it out, and a device's own files win over it.
 * Each is held against the table of settings before it is taken, so that no device has to ignore it.
 */
import type { Identity } from "@piecework/cloud/Identity"
import type { KeyValueReply } from "@piecework/cloud/KeyValueRpcs"
import { Database } from "@piecework/database/Database"
import type { DatabaseError, Trouble } from "@piecework/database/DatabaseError"
import * as Policy from "@piecework/policy/Policy"
import { find, type Name, settings } from "@piecework/policy/Settings"
import type { Setting } from "@piecework/policy/Setting"
import { Audit } from "@piecework/trust/Audit"
import { Clock, Context, Effect, Layer, Result, Schema } from "effect"
import { SqlSchema } from "effect/sql"
import { Catalog } from "./Catalog.ts"

export type Value = KeyValueReply["settings"][string]

export class ClientSetting extends Schema.Class<ClientSetting>("@piecework/catalog/ClientSetting")({
  name: Schema.String,
  value: Schema.Union([Schema.String, Schema.Finite, Schema.Boolean]),
  /** Epoch milliseconds. */
  setAt: Schema.Natural
}) {}

/** It is no setting, no value of it, or none that a service may say. */
export class SettingRefused extends Schema.TaggedError<SettingRefused>()("SettingRefused", { detail: Schema.String }) {
  override get message(): string {
    return this.detail
  }
}

export class ClientSettings extends Context.Service<
  ClientSettings,
  {
    /** In place of what was said of it before. The value as text, as it would stand in the environment. */
    readonly set: (
      who: Identity,
      name: string,
      text: string
    ) => Effect.Effect<ClientSetting, DatabaseError | SettingRefused>
    /** Says whether it was set. */
    readonly unset: (who: Identity, name: string) => Effect.Effect<boolean, DatabaseError | SettingRefused>
    /** By name. */
    readonly list: Effect.Effect<ReadonlyArray<ClientSetting>, DatabaseError>
  }
>()("@piecework/catalog/ClientSettings") {
  /** `Catalog` makes the table. */
  static readonly layer: Layer.Layer<ClientSettings, never, Audit | Catalog | Database> = Layer.effect(
    ClientSettings,
    Effect.gen(function* () {
      yield* Catalog
      const audit = yield* Audit
      const { during, sql } = yield* Database
      const together = <A, E>(change: Effect.Effect<A, E | Trouble>) => sql.withTransaction(change)
      const findAll = SqlSchema.findAll({
        Request: Schema.Void,
        Result: Row,
        execute: () =>
          sql`SELECT name AS "name", value AS "value", set_at AS "setAt" FROM client_settings ORDER BY name`
      })
      return ClientSettings.of({
        set: Effect.fn("ClientSettings.set")(function* (who, given, text) {
          const { name, value } = yield* Effect.fromResult(taken(given, text))
          const setAt = yield* Clock.currentTimeMillis
          const change = Effect.gen(function* () {
            yield* sql`INSERT INTO client_settings ${sql.insert({ name, value: JSON.stringify(value), set_at: setAt })}
              ON CONFLICT (name) DO UPDATE SET value = excluded.value, set_at = excluded.set_at`
            yield* audit.record({ who, action: "setting.set", subject: name, detail: { value } })
          })
          yield* during("set a setting of the devices")(together(change))
          return new ClientSetting({ name, value, setAt })
        }),

        unset: Effect.fn("ClientSettings.unset")(function* (who, given) {
          const name = yield* Effect.fromResult(named(given))
          const change = Effect.gen(function* () {
            const isThere = (yield* findAll(undefined)).some((one) => one.name === name)
            if (!isThere) return false
            yield* sql`DELETE FROM client_settings WHERE name = ${name}`
            yield* audit.record({ who, action: "setting.unset", subject: name })
            return true
          })
          return yield* during("take back a setting of the devices")(together(change))
        }),

        list: during("list the settings of the devices")(findAll(undefined))
      })
    })
  )
}

/** As KeyValue hands it out. */
export const handedOut = (all: ReadonlyArray<ClientSetting>): KeyValueReply["settings"] =>
  Object.fromEntries(all.map(({ name, value }) => [name, value]))

const named = (given: string): Result.Result<Name, SettingRefused> => {
  const name = find(given)
  return name === undefined
    ? Result.fail(refusedBecause(Policy.resolve([{ provider: "KeyValueService", values: { [given]: "" } }])))
    : Result.succeed(name)
}

/** A setting's own name, and a value that every device takes; numbers and yes or no as such. */
const taken = (given: string, text: string): Result.Result<{ name: Name; value: Value }, SettingRefused> => {
  const policy = Policy.resolve([{ provider: "KeyValueService", values: { [given]: text } }])
  const name = find(given)
  if (name === undefined || !policy.isSet(name)) return Result.fail(refusedBecause(policy))
  const decoded: unknown = policy.get(name)
  const value = typeof decoded === "number" || typeof decoded === "boolean" ? decoded : text.trim()
  return Result.succeed({ name, value })
}

const refusedBecause = ({ warnings }: Policy.Policy): SettingRefused => {
  const [warning] = warnings
  if (warning === undefined) return new SettingRefused({ detail: "That is no value." })
  switch (warning._tag) {
    case "Unknown": {
      const hint = warning.nearest === undefined ? "" : ` Did you mean ${warning.nearest}?`
      return new SettingRefused({ detail: `${warning.name} is no setting.${hint}` })
    }
    case "WrongType":
    case "OutOfRange": {
      const { kind, unit }: Setting<unknown> = settings[warning.name]
      return new SettingRefused({
        detail: `${warning.name} takes ${kind.allowed}${unit === undefined ? "" : ` ${unit}`}, and not ${warning.given}.`
      })
    }
    case "NotForServices":
      return new SettingRefused({ detail: `${warning.name} is for each device to say, and for no service.` })
    case "Deprecated":
      return new SettingRefused({ detail: Policy.sentence(warning) })
  }
}

const Row = Schema.Struct({
  ...ClientSetting.fields,
  value: Schema.fromJsonString(ClientSetting.fields.value)
}).pipe(Schema.decodeTo(ClientSetting))
