/**
 * What is published: each content with its pieces hash file, its policy, and the URLs at which its origin has it. A URL
 * leads to one content, the one published last; a content may have several URLs, or none that is current.
 */
import { change as changed, none, PolicySettings, type PolicyChange } from "@piecework/cloud/PolicySettings"
import { ContentId } from "@piecework/domain/Content"
import { ContentUrl } from "@piecework/domain/ContentUrl"
import { Database } from "@piecework/database/Database"
import type { DatabaseError } from "@piecework/database/DatabaseError"
import * as Dialect from "@piecework/database/Dialect"
import * as Phf from "@piecework/hashing/Phf"
import { Clock, Context, Effect, Layer, Option, Schema } from "effect"
import { SqlSchema, type Statement } from "effect/sql"
import { migrations } from "./internal/migrations.ts"
import { type Change, type Publication, Published } from "./Published.ts"

export { type Publication, Published } from "./Published.ts"

export interface Page {
  readonly contents: ReadonlyArray<Published>
  /** Where the next page begins; `undefined` after the last one. */
  readonly next: number | undefined
}

export class Catalog extends Context.Service<
  Catalog,
  {
    /**
     * Keeps the PHF and makes the URLs lead to it; a content that is there keeps its policy but for the change. Publishing
     * the same twice changes nothing, and a content that is halted stays so.
     */
    readonly publish: (
      phf: Phf.Phf,
      urls: ReadonlyArray<ContentUrl>,
      policy?: PolicyChange
    ) => Effect.Effect<Publication, DatabaseError>
    readonly byUrl: (url: ContentUrl) => Effect.Effect<Option.Option<Published>, DatabaseError>
    readonly byId: (id: ContentId) => Effect.Effect<Option.Option<Published>, DatabaseError>
    /** The PHF's exact bytes. */
    readonly phf: (id: ContentId) => Effect.Effect<Option.Option<Uint8Array>, DatabaseError>
    /** The latest last. */
    readonly list: Effect.Effect<ReadonlyArray<Published>, DatabaseError>
    /** At most so many, in the order of their first publication, from where the page before said. */
    readonly page: (options: { readonly after: number; readonly most: number }) => Effect.Effect<Page, DatabaseError>
    /** Answers the content as it is then; `None` when it is not there. */
    readonly setPolicy: (id: ContentId, change: PolicyChange) => Effect.Effect<Option.Option<Published>, DatabaseError>
    /** Hands the content out to nobody from now on, or to whom its policy allows. Answers it as it was before. */
    readonly setHalted: (id: ContentId, isHalted: boolean) => Effect.Effect<Option.Option<Published>, DatabaseError>
    /** How many contents there are. */
    readonly count: Effect.Effect<number, DatabaseError>
    /** Forgets the content and its URLs; says whether it was there. */
    readonly unpublish: (id: ContentId) => Effect.Effect<boolean, DatabaseError>
    /** Forgets the URL, and its content too if that was the last one; answers the content it led to. */
    readonly unpublishUrl: (url: ContentUrl) => Effect.Effect<Option.Option<ContentId>, DatabaseError>
    /**
     * At most so many contents whose terms changed after that version, the oldest change first; from 0 on it is all there
     * are. That a content was unpublished is told for a day.
     */
    readonly changes: (since: {
      readonly version: number
      readonly most: number
    }) => Effect.Effect<ReadonlyArray<Change>, DatabaseError>
  }
>()("@piecework/catalog/Catalog") {
  static readonly layer: Layer.Layer<Catalog, DatabaseError, Database> = Layer.effect(
    Catalog,
    Effect.gen(function* () {
      const database = yield* Database
      yield* database.migrate("catalog", migrations)
      return make(database)
    })
  )

  /** In a database that lives in memory. */
  static readonly layerMemory: Layer.Layer<Catalog, DatabaseError> = Catalog.layer.pipe(
    Layer.provide(Database.layerMemory)
  )
}

/** For how long it is kept that a content was unpublished, in milliseconds. */
export const removalKept = 86_400_000

const make = ({ during, sql }: Database["Service"]): Catalog["Service"] => {
  const { gather } = Dialect.of(sql)
  const select = (where: Statement.Fragment) => sql`
    SELECT c.place AS "place", c.id AS "contentId", c.content_size AS "contentSize", c.piece_size AS "pieceSize",
      c.phf_digest AS "phfDigest", c.published_at AS "publishedAt", c.policy AS "policy", c.halted_at AS "haltedAt",
      (SELECT ${gather("url")} FROM (SELECT url FROM urls WHERE content_id = c.id ORDER BY published_at, place) AS u) AS "urls"
    FROM contents c WHERE ${where}`
  const inOrder = sql`ORDER BY c.published_at, c.place`
  const findById = SqlSchema.findOneOption({
    Request: ContentId,
    Result: Row,
    execute: (id) => select(sql`c.id = ${id}`)
  })
  const findByUrl = SqlSchema.findOneOption({
    Request: ContentUrl,
    Result: Row,
    execute: (url) => select(sql`c.id = (SELECT content_id FROM urls WHERE url = ${url})`)
  })
  const findAll = SqlSchema.findAll({
    Request: Schema.Void,
    Result: Row,
    execute: () => sql`${select(sql`TRUE`)} ${inOrder}`
  })
  const findPage = SqlSchema.findAll({
    Request: Schema.Struct({ after: Schema.Natural, most: Schema.Natural }),
    Result: Row,
    execute: ({ after, most }) => sql`${select(sql`c.place > ${after}`)} ORDER BY c.place LIMIT ${most + 1}`
  })
  const findPhf = SqlSchema.findOneOption({
    Request: ContentId,
    Result: Schema.Struct({ phf: Schema.Uint8Array }),
    execute: (id) => sql`SELECT phf FROM contents WHERE id = ${id}`
  })
  const findChanges = SqlSchema.findAll({
    Request: Schema.Struct({ version: Schema.Natural, most: Schema.Natural }),
    Result: ChangeRow,
    execute: ({ most, version }) => sql`
      SELECT id AS "contentId", version AS "version", policy AS "policy", halted_at AS "haltedAt"
        FROM contents WHERE version > ${version}
      UNION ALL
      SELECT id, version, NULL, NULL FROM removed_contents WHERE version > ${version}
      ORDER BY 2 LIMIT ${most}`
  })
  const newVersion = SqlSchema.findOne({
    Request: Schema.Void,
    Result: Schema.Struct({ version: Schema.Natural }),
    execute: () => sql`UPDATE catalog_version SET version = version + 1 RETURNING version AS "version"`
  })(undefined).pipe(
    Effect.map(({ version }) => version),
    Effect.catchTag("NoSuchElementError", Effect.die)
  )
  /** The content, which is there since this transaction began. */
  const there = (id: ContentId) =>
    Effect.flatMap(findById(id), Effect.fromOption).pipe(Effect.catchTag("NoSuchElementError", Effect.die))

  const remove = Effect.fnUntraced(function* (id: ContentId) {
    const now = yield* Clock.currentTimeMillis
    yield* sql`DELETE FROM contents WHERE id = ${id}`
    yield* sql`DELETE FROM removed_contents WHERE removed_at < ${now - removalKept}`
    yield* sql`INSERT INTO removed_contents ${sql.insert({ id, version: yield* newVersion, removed_at: now })}
      ON CONFLICT (id) DO UPDATE SET version = excluded.version, removed_at = excluded.removed_at`
  })

  const addContent = Effect.fnUntraced(function* (phf: Phf.Phf, now: number, policy: PolicySettings) {
    const bytes = Phf.encode(phf)
    yield* sql`DELETE FROM removed_contents WHERE id = ${phf.contentId}`
    yield* sql`INSERT INTO contents ${sql.insert({
      id: phf.contentId,
      content_size: phf.layout.contentSize,
      piece_size: phf.layout.pieceSize,
      phf: bytes,
      phf_digest: Phf.fileDigest(bytes),
      published_at: now,
      policy: encodePolicy(policy),
      version: yield* newVersion
    })}`
  })

  const writePolicy = Effect.fnUntraced(function* ({ contentId, policy }: Published, change: PolicyChange) {
    const after = encodePolicy(changed(policy, change))
    if (after === encodePolicy(policy)) return
    yield* sql`UPDATE contents SET policy = ${after}, version = ${yield* newVersion} WHERE id = ${contentId}`
  })

  return Catalog.of({
    publish: Effect.fn("Catalog.publish")(function* (phf, urls, policy) {
      const now = yield* Clock.currentTimeMillis
      const id = phf.contentId
      const change = Effect.gen(function* () {
        const before = yield* findById(id)
        const isNew = Option.isNone(before)
        if (isNew) yield* addContent(phf, now, policy === undefined ? none : changed(none, policy))
        else if (policy !== undefined) yield* writePolicy(before.value, policy)
        const added: Array<ContentUrl> = []
        const moved: Array<Publication["moved"][number]> = []
        for (const url of new Set(urls)) {
          const led = Option.getOrUndefined(yield* findByUrl(url))?.contentId
          if (led === id) continue
          if (led === undefined) added.push(url)
          else moved.push({ url, from: led })
          yield* sql`INSERT INTO urls ${sql.insert({ url, content_id: id, published_at: now })}
            ON CONFLICT (url) DO UPDATE SET content_id = excluded.content_id, published_at = excluded.published_at`
        }
        return { content: yield* there(id), isNew, added, moved }
      })
      return yield* sql.withTransaction(change)
    }, during("publish a content")),

    byUrl: Effect.fn("Catalog.byUrl")((url: ContentUrl) => findByUrl(url), during("find a content")),

    byId: Effect.fn("Catalog.byId")((id: ContentId) => findById(id), during("find a content")),

    phf: Effect.fn("Catalog.phf")(
      (id: ContentId) =>
        Effect.map(
          findPhf(id),
          Option.map(({ phf }) => phf)
        ),
      during("find a content")
    ),

    list: findAll(undefined).pipe(during("list the contents"), Effect.withSpan("Catalog.list")),

    page: Effect.fn("Catalog.page")(function* ({ after, most }) {
      const found = yield* findPage({ after, most })
      const contents = found.slice(0, most)
      return { contents, next: found.length > most ? contents.at(-1)?.place : undefined }
    }, during("list the contents")),

    setPolicy: Effect.fn("Catalog.setPolicy")(function* (id, change) {
      const write = Effect.gen(function* () {
        const before = yield* findById(id)
        if (Option.isNone(before)) return before
        yield* writePolicy(before.value, change)
        return Option.some(yield* there(id))
      })
      return yield* sql.withTransaction(write)
    }, during("set the policy of a content")),

    setHalted: Effect.fn("Catalog.setHalted")(function* (id, isHalted) {
      const now = yield* Clock.currentTimeMillis
      const write = Effect.gen(function* () {
        const before = yield* findById(id)
        if (Option.isNone(before) || (before.value.haltedAt !== null) === isHalted) return before
        const since = isHalted ? now : null
        yield* sql`UPDATE contents SET halted_at = ${since}, version = ${yield* newVersion} WHERE id = ${id}`
        return before
      })
      return yield* sql.withTransaction(write)
    }, during("halt or resume a content")),

    count: Effect.map(sql<{ readonly n: number | bigint }>`SELECT count(*) AS n FROM contents`, ([row]) =>
      Number(row?.n ?? 0)
    ).pipe(during("count the contents")),

    unpublish: Effect.fn("Catalog.unpublish")(function* (id) {
      const change = Effect.gen(function* () {
        const isThere = Option.isSome(yield* findById(id))
        if (isThere) yield* remove(id)
        return isThere
      })
      return yield* sql.withTransaction(change)
    }, during("unpublish a content")),

    unpublishUrl: Effect.fn("Catalog.unpublishUrl")(function* (url) {
      const change = Effect.gen(function* () {
        const found = Option.getOrUndefined(yield* findByUrl(url))
        if (found === undefined) return Option.none()
        if (found.urls.length === 1) yield* remove(found.contentId)
        else yield* sql`DELETE FROM urls WHERE url = ${url}`
        return Option.some(found.contentId)
      })
      return yield* sql.withTransaction(change)
    }, during("unpublish a content")),

    changes: Effect.fn("Catalog.changes")(function* (since) {
      const rows = yield* findChanges(since)
      return rows.map(({ contentId, haltedAt, policy, version }) => {
        return { contentId, version, terms: policy === null ? undefined : { policy, haltedAt } }
      })
    }, during("look for changes"))
  })
}

const PolicyText = Schema.fromJsonString(PolicySettings)
const encodePolicy = Schema.encodeSync(PolicyText)

/** A content as `select` reads it. */
const Row = Schema.Struct({
  ...Published.fields,
  policy: PolicyText,
  urls: Schema.fromJsonString(Schema.Array(ContentUrl))
}).pipe(Schema.decodeTo(Published))

const ChangeRow = Schema.Struct({
  contentId: ContentId,
  version: Schema.Natural,
  policy: Schema.NullOr(PolicyText),
  haltedAt: Schema.NullOr(Schema.Natural)
})
