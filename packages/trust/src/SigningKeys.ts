/**
 * The keys that sign ContentPolicy answers. All that are in use sign each answer, so a key is replaced without a gap: add the new one,
 * tell the devices of it, retire the old one. The secrets are in the service's database, as every front end needs them: whoever
 * reads that database, or a copy of it, can sign.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto"
import type { Identity } from "@piecework/cloud/Identity"
import { keyOf, mostSignatures, signed } from "@piecework/cloud/PolicySignature"
import { PolicySigner } from "@piecework/cloud/PolicySigner"
import { Database } from "@piecework/database/Database"
import type { DatabaseError } from "@piecework/database/DatabaseError"
import { Clock, Context, Effect, Layer, Ref, Schema } from "effect"
import { SqlSchema } from "effect/sql"
import { Audit } from "./Audit.ts"
import { signingMigrations } from "./internal/migrations.ts"

/** A key in use, without its secret. */
export interface SigningKey {
  readonly id: string
  /** As clients are given it. */
  readonly text: string
  /** Epoch milliseconds. */
  readonly createdAt: number
}

/** As many keys are in use as may be at a time: retire one first. */
export class TooManyKeys extends Schema.TaggedError<TooManyKeys>()("TooManyKeys", {}) {
  override get message(): string {
    return `There are ${mostSignatures} keys in use already; retire one first.`
  }
}

export class SigningKeys extends Context.Service<
  SigningKeys,
  {
    readonly add: (who: Identity) => Effect.Effect<SigningKey, DatabaseError | TooManyKeys>
    /** Those in use, the oldest first. */
    readonly list: Effect.Effect<ReadonlyArray<SigningKey>, DatabaseError>
    /** It signs no more, within five seconds, and is forgotten; answers whether it was there. */
    readonly retire: (who: Identity, id: string) => Effect.Effect<boolean, DatabaseError>
    /** For the signer. */
    readonly secrets: Effect.Effect<ReadonlyArray<Secret>, DatabaseError>
  }
>()("@piecework/trust/SigningKeys") {
  static readonly layer: Layer.Layer<SigningKeys, DatabaseError, Audit | Database> = Layer.effect(
    SigningKeys,
    Effect.gen(function* () {
      const database = yield* Database
      yield* database.migrate("signing", signingMigrations)
      return make(database, yield* Audit)
    })
  )
}

export interface Secret {
  readonly id: string
  readonly key: KeyObject
}

const Row = Schema.Struct({ id: Schema.String, secret: Schema.Uint8Array, createdAt: Schema.Natural })

const make = ({ during, sql }: Database["Service"], audit: Audit["Service"]): SigningKeys["Service"] => {
  const rows = SqlSchema.findAll({
    Request: Schema.Void,
    Result: Row,
    execute: () => sql`SELECT id, secret, created_at AS "createdAt" FROM signing_keys ORDER BY created_at, id`
  })(undefined)
  return SigningKeys.of({
    add: Effect.fn("SigningKeys.add")(function* (who) {
      const { privateKey, publicKey } = generateKeyPairSync("ed25519")
      const { id, text } = keyOf(publicKey)
      const createdAt = yield* Clock.currentTimeMillis
      const secret = privateKey.export({ format: "der", type: "pkcs8" })
      const added = yield* sql
        .withTransaction(
          Effect.gen(function* () {
            if ((yield* rows).length >= mostSignatures) return false
            yield* sql`INSERT INTO signing_keys ${sql.insert({ id, secret, created_at: createdAt })}`
            yield* audit.record({ who, action: "key.add", subject: id })
            return true
          })
        )
        .pipe(during("add a signing key"))
      return added ? { id, text, createdAt } : yield* new TooManyKeys()
    }),
    list: rows.pipe(
      Effect.map((found) => found.map(({ createdAt, id, secret }) => ({ id, text: textOf(secret), createdAt }))),
      during("list the signing keys")
    ),
    retire: Effect.fn("SigningKeys.retire")(function* (who, id) {
      const change = Effect.gen(function* () {
        const isThere = (yield* rows).some((row) => row.id === id)
        if (!isThere) return false
        yield* sql`DELETE FROM signing_keys WHERE id = ${id}`
        yield* audit.record({ who, action: "key.retire", subject: id })
        return true
      })
      return yield* sql.withTransaction(change).pipe(during("retire a signing key"))
    }),
    secrets: rows.pipe(
      Effect.map((found) => found.map(({ id, secret }) => ({ id, key: secretOf(secret) }))),
      during("read the signing keys")
    )
  })
}

const secretOf = (der: Uint8Array): KeyObject =>
  createPrivateKey({ key: Buffer.from(der), format: "der", type: "pkcs8" })

const textOf = (der: Uint8Array): string => keyOf(createPublicKey(secretOf(der))).text

/** How often is looked whether there are other keys. */
const lookEvery = "3 seconds"

/** Signs with the keys in use. When they cannot be read, with those that were. */
export const layerSigner: Layer.Layer<PolicySigner, DatabaseError, SigningKeys> = Layer.effect(
  PolicySigner,
  Effect.gen(function* () {
    const { secrets } = yield* SigningKeys
    const current = yield* Ref.make(yield* secrets)
    yield* secrets.pipe(
      Effect.flatMap((found) => Ref.set(current, found)),
      Effect.catch((error) => Effect.logWarning(error)),
      Effect.delay(lookEvery),
      Effect.forever,
      Effect.forkScoped
    )
    return PolicySigner.of({
      sign: (reply) =>
        Effect.gen(function* () {
          const keys = yield* Ref.get(current)
          if (keys.length === 0) return []
          const at = Math.floor((yield* Clock.currentTimeMillis) / 1000)
          return keys.map(({ id, key }) => signed(reply, key, id, at))
        })
    })
  })
)
