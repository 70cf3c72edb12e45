/**
 * Rules in the database: for which URLs contents are published when somebody first asks, and what was last seen at the
 * origins of those that were. What a rule made stays when the rule goes.
 */
import { PolicySettings } from "@piecework/cloud/PolicySettings"
import type { Identity } from "@piecework/cloud/Identity"
import { Database } from "@piecework/database/Database"
import type { DatabaseError, Trouble } from "@piecework/database/DatabaseError"
import { ContentUrl } from "@piecework/domain/ContentUrl"
import { Audit } from "@piecework/trust/Audit"
import { Clock, Context, Effect, Layer, Option, Result, Schema, SchemaGetter } from "effect"
import { SqlSchema } from "effect/sql"
import { Catalog } from "./Catalog.ts"
import * as RulePattern from "./RulePattern.ts"
import type { Validators } from "./UrlHasher.ts"

export class Rule extends Schema.Class<Rule>("@piecework/catalog/Rule")({
  /** Normalised. */
  pattern: Schema.String,
  /** Whether URLs with other queries are other contents; else the query is left out. */
  countsQuery: Schema.Boolean,
  /** Larger contents are not hashed, in bytes. */
  maxBytes: Schema.Natural,
  /** Of the contents that it makes. */
  policy: PolicySettings,
  /** Epoch milliseconds. */
  createdAt: Schema.Natural
}) {}

/** A rule that can be matched. */
export interface Matcher {
  readonly rule: Rule
  readonly pattern: RulePattern.RulePattern
}

/** What was seen at the origin of a URL that a rule published. */
export interface Seen {
  readonly validators: Validators
  /** Epoch milliseconds. */
  readonly checkedAt: number
}

/** Most rules: each URL that is unknown is held against all of them. */
export const maxRules = 1000

export class TooManyRules extends Schema.TaggedError<TooManyRules>()("TooManyRules", {}) {
  override get message(): string {
    return `There are ${maxRules} rules already; remove some.`
  }
}

export class Rules extends Context.Service<
  Rules,
  {
    /** In place of the one with the same pattern, if there is one. */
    readonly add: (
      who: Identity,
      pattern: RulePattern.RulePattern,
      rule: Pick<Rule, "countsQuery" | "maxBytes" | "policy">
    ) => Effect.Effect<Rule, DatabaseError | TooManyRules>
    /** Says whether it was there. */
    readonly remove: (who: Identity, pattern: RulePattern.RulePattern) => Effect.Effect<boolean, DatabaseError>
    /** The first made comes first, and is the one that counts for a URL. */
    readonly list: Effect.Effect<ReadonlyArray<Matcher>, DatabaseError>
    readonly seen: (url: ContentUrl) => Effect.Effect<Option.Option<Seen>, DatabaseError>
    /** The URL leads to a content. */
    readonly setSeen: (url: ContentUrl, seen: Seen) => Effect.Effect<void, DatabaseError>
  }
>()("@piecework/catalog/Rules") {
  /** `Catalog` makes the tables. */
  static readonly layer: Layer.Layer<Rules, never, Audit | Catalog | Database> = Layer.effect(
    Rules,
    Effect.gen(function* () {
      yield* Catalog
      const audit = yield* Audit
      const { during, sql } = yield* Database
      const together = <A, E>(change: Effect.Effect<A, E | Trouble>) => sql.withTransaction(change)
      const findAll = SqlSchema.findAll({
        Request: Schema.Void,
        Result: Row,
        execute: () => sql`
          SELECT pattern AS "pattern", counts_query AS "countsQuery", max_bytes AS "maxBytes", policy AS "policy",
            created_at AS "createdAt" FROM rules ORDER BY place`
      })
      const findSeen = SqlSchema.findOneOption({
        Request: ContentUrl,
        Result: SeenRow,
        execute: (url) => sql`
          SELECT etag AS "etag", last_modified AS "lastModified", checked_at AS "checkedAt" FROM origins WHERE url = ${url}`
      })

      return Rules.of({
        add: Effect.fn("Rules.add")(function* (who, { text: pattern }, { countsQuery, maxBytes, policy }) {
          const createdAt = yield* Clock.currentTimeMillis
          const rule = new Rule({ pattern, countsQuery, maxBytes, policy, createdAt })
          const change = Effect.gen(function* () {
            const others = (yield* findAll(undefined)).filter((one) => one.pattern !== pattern)
            if (others.length >= maxRules) return undefined
            const row = {
              pattern,
              counts_query: Number(countsQuery),
              max_bytes: maxBytes,
              policy: JSON.stringify(policy),
              created_at: createdAt
            }
            yield* sql`INSERT INTO rules ${sql.insert(row)} ON CONFLICT (pattern) DO UPDATE SET
              counts_query = excluded.counts_query, max_bytes = excluded.max_bytes, policy = excluded.policy`
            yield* audit.record({
              who,
              action: "rule.add",
              subject: pattern,
              detail: { countsQuery, maxBytes, policy }
            })
            return rule
          })
          const added = yield* during("add a rule")(together(change))
          return added ?? (yield* new TooManyRules())
        }),

        remove: Effect.fn("Rules.remove")(function* (who, { text: pattern }) {
          const change = Effect.gen(function* () {
            const isThere = (yield* findAll(undefined)).some((one) => one.pattern === pattern)
            if (!isThere) return false
            yield* sql`DELETE FROM rules WHERE pattern = ${pattern}`
            yield* audit.record({ who, action: "rule.remove", subject: pattern })
            return true
          })
          return yield* during("remove a rule")(together(change))
        }),

        list: findAll(undefined).pipe(
          Effect.map((rules) =>
            rules.flatMap((rule) =>
              Result.match(RulePattern.parse(rule.pattern), {
                onFailure: () => [],
                onSuccess: (pattern) => [{ rule, pattern }]
              })
            )
          ),
          during("list the rules")
        ),

        seen: Effect.fn("Rules.seen")(
          (url: ContentUrl) =>
            Effect.map(
              findSeen(url),
              Option.map(({ checkedAt, etag, lastModified }) => ({
                checkedAt,
                validators: { etag: etag ?? undefined, lastModified: lastModified ?? undefined }
              }))
            ),
          during("look what was seen of an origin")
        ),

        setSeen: Effect.fn("Rules.setSeen")(function* (url, { checkedAt, validators }) {
          const { etag = null, lastModified = null } = validators
          const row = { url, etag, last_modified: lastModified, checked_at: checkedAt }
          yield* sql`INSERT INTO origins ${sql.insert(row)} ON CONFLICT (url) DO UPDATE SET
            etag = excluded.etag, last_modified = excluded.last_modified, checked_at = excluded.checked_at`
        }, during("note what was seen of an origin"))
      })
    })
  )
}

const Row = Schema.Struct({
  ...Rule.fields,
  countsQuery: Schema.Natural.pipe(
    Schema.decodeTo(Schema.Boolean, {
      decode: SchemaGetter.transform((n: number) => n !== 0),
      encode: SchemaGetter.transform(Number)
    })
  ),
  policy: Schema.fromJsonString(PolicySettings)
}).pipe(Schema.decodeTo(Rule))

const SeenRow = Schema.Struct({
  etag: Schema.NullOr(Schema.String),
  lastModified: Schema.NullOr(Schema.String),
  checkedAt: Schema.Natural
})
