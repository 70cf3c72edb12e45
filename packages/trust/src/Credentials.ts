/**
 * The tokens of operators, the tokens to enrol with, and the devices that did: what is kept of each, and every change to them
 * with who made it in the audit log. The tokens themselves are shown once and kept by nobody.
 */
import { describe, type Identity, type OperatorScope } from "@piecework/cloud/Identity"
import { Database } from "@piecework/database/Database"
import * as Dialect from "@piecework/database/Dialect"
import type { DatabaseError } from "@piecework/database/DatabaseError"
import { Clock, Context, Effect, Layer, Option, type Redacted, Result, Schema } from "effect"
import { type SqlError, SqlSchema } from "effect/sql"
import { Audit } from "./Audit.ts"
import { Credential, Kind } from "./Credential.ts"
import { decodeRow, keptOf, nobody, Row } from "./internal/CredentialRow.ts"
import { trustMigrations } from "./internal/migrations.ts"
import { judge, type Kept, type Refusal } from "./Judgement.ts"
import * as Token from "./Token.ts"

/** The token to enrol with is not accepted; `reason` is for the log, not for who presents it. */
export class EnrolmentRefused extends Schema.TaggedError<EnrolmentRefused>()("EnrolmentRefused", {
  reason: Schema.Literals(["Malformed", "Unknown", "Wrong", "Revoked", "Expired", "UsedUp"])
}) {
  override get message(): string {
    return "This enrolment token is not accepted."
  }
}

/** A credential and its token, which nobody will see again. */
export interface Issued {
  readonly credential: Credential
  readonly token: Redacted.Redacted<string>
}

/** What a new token is to be; `expiresAt` in epoch milliseconds, `null` for never. */
export type Wanted = { readonly name: string; readonly expiresAt: number | null } & (
  | { readonly kind: "Operator"; readonly scopes: ReadonlyArray<OperatorScope> }
  | { readonly kind: "Enrolment"; readonly groups: ReadonlyArray<string>; readonly uses: number }
)

/** How long a session lasts at most, in milliseconds: a working day. */
export const sessionLifetime = 12 * 3_600_000

/** Most sessions of one operator. */
export const mostSessions = 16

export class Credentials extends Context.Service<
  Credentials,
  {
    readonly issue: (who: Identity, wanted: Wanted) => Effect.Effect<Issued, DatabaseError>
    /** Turns a token to enrol with into a device with a credential of its own. */
    readonly enrol: (token: string, name: string) => Effect.Effect<Issued, EnrolmentRefused | DatabaseError>
    /** A new secret for a device; its present one is good until the new one is used for the first time. */
    readonly rotate: (device: string) => Effect.Effect<Option.Option<Issued>, DatabaseError>
    /**
     * A session of the operator whose token has that id: with its scopes, over with it, and after `sessionLifetime`. The oldest goes where
     * it has `mostSessions`. `None` when the token is good for nothing any more.
     */
    readonly openSession: (operator: string) => Effect.Effect<Option.Option<Issued>, DatabaseError>
    readonly find: (id: string) => Effect.Effect<Option.Option<Kept>, DatabaseError>
    /** By id, those after `after`; those whose name or id has `search` in it, whatever its case. */
    readonly list: (
      kind: Credential["kind"],
      page: { readonly most: number; readonly after?: string | undefined; readonly search?: string | undefined }
    ) => Effect.Effect<ReadonlyArray<Credential>, DatabaseError>
    /** `None` when there is none; revoking twice changes nothing. */
    readonly revoke: (
      who: Identity,
      kind: Credential["kind"],
      id: string
    ) => Effect.Effect<Option.Option<Credential>, DatabaseError>
    /** Of a device. */
    readonly setGroups: (
      who: Identity,
      id: string,
      groups: ReadonlyArray<string>
    ) => Effect.Effect<Option.Option<Credential>, DatabaseError>
    /** The new secret was used, so the former one is good no more. */
    readonly settle: (id: string) => Effect.Effect<void, DatabaseError>
    /** When these were used. */
    readonly used: (at: ReadonlyMap<string, number>) => Effect.Effect<void, DatabaseError>
    /** Counts the changes that make what is remembered of credentials wrong: revocations, groups, rotations. */
    readonly changes: Effect.Effect<number, DatabaseError>
  }
>()("@piecework/trust/Credentials") {
  static readonly layer: Layer.Layer<Credentials, DatabaseError, Audit | Database> = Layer.effect(
    Credentials,
    Effect.gen(function* () {
      const database = yield* Database
      yield* database.migrate("trust", trustMigrations)
      return make(database, yield* Audit)
    })
  )
}

const make = ({ during, sql }: Database["Service"], audit: Audit["Service"]): Credentials["Service"] => {
  const findRow = SqlSchema.findOneOption({
    Request: Schema.String,
    Result: Row,
    execute: (id) => sql`SELECT * FROM credentials WHERE id = ${id}`
  })
  const listRows = SqlSchema.findAll({
    Request: Schema.Struct({ kind: Kind, after: Schema.String, most: Schema.Natural, search: Schema.String }),
    Result: Row,
    execute: ({ after, kind, most, search }) => {
      const has = Dialect.hasText(search)
      return sql`SELECT * FROM credentials WHERE kind = ${kind} AND id > ${after}
        AND (lower(name) LIKE lower(${has}) ESCAPE '!' OR id LIKE lower(${has}) ESCAPE '!') ORDER BY id LIMIT ${most}`
    }
  })
  const changed = sql`UPDATE credential_changes SET count = count + 1`
  const of = (id: string, kind: Credential["kind"]) =>
    Effect.map(findRow(id), (row) =>
      Option.filter(Option.map(row, keptOf), ({ credential }) => credential.kind === kind)
    )

  const insert = (credential: Credential, hash: string) =>
    sql`INSERT INTO credentials ${sql.insert({
      id: credential.id,
      kind: credential.kind,
      name: credential.name,
      scopes: JSON.stringify(credential.scopes),
      member_of: JSON.stringify(credential.groups),
      hash,
      created_at: credential.createdAt,
      created_by: credential.createdBy,
      expires_at: credential.expiresAt,
      uses_left: credential.usesLeft
    })}`

  const issue = Effect.fn("Credentials.issue")(function* (who: Identity, wanted: Wanted) {
    const { hash, id, text } = yield* Token.mint(wanted.kind)
    const scopes = wanted.kind === "Operator" ? wanted.scopes : []
    const groups = wanted.kind === "Enrolment" ? wanted.groups : []
    const usesLeft = wanted.kind === "Enrolment" ? wanted.uses : null
    const { expiresAt, kind, name } = wanted
    const credential = new Credential({
      ...fresh,
      kind,
      id,
      name,
      scopes,
      groups,
      expiresAt,
      usesLeft,
      createdAt: yield* Clock.currentTimeMillis,
      createdBy: describe(who)
    })
    const detail = { name, scopes, groups, expiresAt, usesLeft }
    yield* insert(credential, hash)
    yield* audit.record({ who, action: kind === "Operator" ? "token.create" : "enrolment.create", subject: id, detail })
    return { credential, token: text }
  })

  const enrol = Effect.fn("Credentials.enrol")(function* (token: string, name: string) {
    const now = yield* Clock.currentTimeMillis
    const presented = Token.present(token)
    const found = yield* findRow(presented.named?.id ?? "")
    const judged = judge(presented, Option.getOrUndefined(Option.map(found, keptOf)), now)
    if (Result.isFailure(judged)) return yield* refuse(judged.failure)
    const by = judged.success.credential
    if (by.kind !== "Enrolment") return yield* refuse("Unknown")
    // Two that come at once with a token for one: the second finds nothing to take from.
    const taken = yield* sql<{ readonly id: string }>`UPDATE credentials SET uses_left = uses_left - 1, used_at = ${now}
      WHERE id = ${by.id} AND uses_left > 0 AND revoked_at IS NULL RETURNING id`
    if (taken.length === 0) return yield* refuse("UsedUp")
    const { hash, id, text } = yield* Token.mint("Device")
    const createdBy = `enrolment ${by.id}`
    const device = new Credential({ ...fresh, kind: "Device", id, name, groups: by.groups, createdAt: now, createdBy })
    yield* insert(device, hash)
    const who: Identity = { _tag: "Device", id, groups: by.groups }
    yield* audit.record({
      who,
      action: "device.enrol",
      subject: id,
      detail: { name, groups: by.groups, enrolment: by.id }
    })
    return { credential: device, token: text }
  })

  const rotate = Effect.fn("Credentials.rotate")(function* (device: string) {
    const found = Option.getOrUndefined(yield* of(device, "Device"))
    if (found === undefined || found.credential.revokedAt !== null) return Option.none()
    const { hash, text } = yield* Token.mint("Device", device)
    // Asked twice, the answer of the first may be lost: what is in use stays good, and the first answer is not.
    yield* sql`UPDATE credentials SET former_hash = ${found.formerHash ?? found.hash}, hash = ${hash} WHERE id = ${device}`
    yield* changed
    const { groups } = found.credential
    yield* audit.record({ who: { _tag: "Device", id: device, groups }, action: "device.rotate", subject: device })
    return Option.some({ credential: found.credential, token: text })
  })

  const openSession = Effect.fn("Credentials.openSession")(function* (operator: string) {
    const now = yield* Clock.currentTimeMillis
    const found = Option.getOrUndefined(yield* of(operator, "Operator"))
    if (found === undefined || !found.credential.isAlive(now)) return Option.none()
    const { expiresAt, name, scopes } = found.credential
    const createdBy = describe({ _tag: "Operator", id: operator, scopes })
    // What is over is of no use to anybody: whose sessions there were the audit log says.
    yield* sql`DELETE FROM credentials WHERE kind = 'Session' AND (expires_at <= ${now} OR revoked_at IS NOT NULL)`
    const gone = yield* sql`DELETE FROM credentials WHERE id IN (
      SELECT id FROM credentials WHERE kind = 'Session' AND created_by = ${createdBy}
      ORDER BY created_at DESC, id LIMIT ${mostSessions} OFFSET ${mostSessions - 1}) RETURNING id`
    if (gone.length > 0) yield* changed
    const { hash, id, text } = yield* Token.mint("Session")
    const until = Math.min(now + sessionLifetime, expiresAt ?? Infinity)
    const credential = new Credential({
      ...fresh,
      kind: "Session",
      id,
      name,
      scopes,
      expiresAt: until,
      createdAt: now,
      createdBy
    })
    yield* insert(credential, hash)
    const who: Identity = { _tag: "Operator", id: operator, scopes }
    yield* audit.record({ who, action: "session.open", subject: id, detail: { name, expiresAt: until } })
    return Option.some({ credential, token: text })
  })

  const revoke = Effect.fn("Credentials.revoke")(function* (who: Identity, kind: Credential["kind"], id: string) {
    const found = Option.getOrUndefined(yield* of(id, kind))
    if (found === undefined) return Option.none()
    const { credential } = found
    if (credential.revokedAt !== null) return Option.some(credential)
    const revokedAt = yield* Clock.currentTimeMillis
    yield* sql`UPDATE credentials SET revoked_at = ${revokedAt} WHERE id = ${id}`
    if (kind === "Operator") {
      yield* sql`UPDATE credentials SET revoked_at = ${revokedAt}
        WHERE kind = 'Session' AND created_by = ${`operator ${id}`} AND revoked_at IS NULL`
    }
    yield* changed
    yield* audit.record({ who, action: `${words[kind]}.revoke`, subject: id, detail: { name: credential.name } })
    return Option.some(new Credential({ ...credential, revokedAt }))
  })

  const setGroups = Effect.fn("Credentials.setGroups")(function* (
    who: Identity,
    id: string,
    groups: ReadonlyArray<string>
  ) {
    const found = Option.getOrUndefined(yield* of(id, "Device"))
    if (found === undefined) return Option.none()
    const { credential } = found
    yield* sql`UPDATE credentials SET member_of = ${JSON.stringify(groups)} WHERE id = ${id}`
    yield* changed
    yield* audit.record({ who, action: "device.groups", subject: id, detail: { before: credential.groups, groups } })
    return Option.some(new Credential({ ...credential, groups }))
  })

  const whole = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError.SqlError, R> =>
    sql.withTransaction(self)

  return Credentials.of({
    issue: (who, wanted) => whole(issue(who, wanted)).pipe(during("make a token")),
    enrol: (token, name) =>
      whole(enrol(token, name)).pipe(
        Effect.catchIf(
          (error) => !(error instanceof EnrolmentRefused),
          (error) => during("enrol a device")(Effect.fail(error))
        )
      ),
    rotate: (device) => whole(rotate(device)).pipe(during("rotate a credential")),
    openSession: (operator) => whole(openSession(operator)).pipe(during("open a session")),
    find: (id) =>
      findRow(id).pipe(
        // To find nothing takes as long as to find something: else the clock tells which ids there are.
        Effect.flatMap((row) =>
          Option.isSome(row)
            ? Effect.succeed(Option.some(keptOf(row.value)))
            : Effect.map(decodeRow(nobody), (stand) => Option.filter(Option.some(keptOf(stand)), () => false))
        ),
        during("find a credential")
      ),
    list: Effect.fn("Credentials.list")(
      (kind, { after = "", most, search = "" }) =>
        Effect.map(listRows({ kind, after, most, search }), (rows) => rows.map((row) => keptOf(row).credential)),
      during("list credentials")
    ),
    revoke: (who, kind, id) => whole(revoke(who, kind, id)).pipe(during("revoke a credential")),
    setGroups: (who, id, groups) => whole(setGroups(who, id, groups)).pipe(during("set the groups of a device")),
    settle: Effect.fn("Credentials.settle")(function* (id: string) {
      yield* whole(Effect.andThen(sql`UPDATE credentials SET former_hash = NULL WHERE id = ${id}`, changed))
    }, during("end a rotation")),
    used: Effect.fn("Credentials.used")(function* (at: ReadonlyMap<string, number>) {
      yield* whole(
        Effect.forEach(at, ([id, when]) => sql`UPDATE credentials SET used_at = ${when} WHERE id = ${id}`, {
          discard: true
        })
      )
    }, during("note when credentials were used")),
    changes: sql<{ readonly count: number }>`SELECT count FROM credential_changes`.pipe(
      Effect.map(([row]) => Number(row?.count ?? 0)),
      during("look for changes of credentials")
    )
  })
}

const refuse = (reason: Refusal) => Effect.fail(new EnrolmentRefused({ reason }))

const fresh = { scopes: [], groups: [], expiresAt: null, revokedAt: null, usedAt: null, usesLeft: null } as const

const words = { Operator: "token", Enrolment: "enrolment", Device: "device", Session: "session" } as const
