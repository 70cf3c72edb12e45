/**
 * What is published: each content with its pieces hash file, and the URLs at which its origin has it. A URL leads to one
 * content, the one published last; a content may have several URLs, or none that is current.
 */
import { ContentId } from "@piecework/domain/Content"
import { ContentUrl } from "@piecework/domain/ContentUrl"
import { Database } from "@piecework/database/Database"
import type { DatabaseError } from "@piecework/database/DatabaseError"
import * as Dialect from "@piecework/database/Dialect"
import { Digest } from "@piecework/domain/Digest"
import * as Phf from "@piecework/hashing/Phf"
import { Clock, Context, Effect, Layer, Option, Schema } from "effect"
import { SqlSchema, type Statement } from "effect/sql"
import { migrations } from "./internal/migrations.ts"

export class Published extends Schema.Class<Published>("@piecework/catalog/Published")({
  contentId: ContentId,
  /** Bytes. */
  contentSize: Schema.Natural,
  /** Bytes. */
  pieceSize: Schema.Natural,
  /** SHA-256 of the PHF's bytes. */
  phfDigest: Digest,
  /** Epoch milliseconds of the first publication of these bytes. */
  publishedAt: Schema.Natural,
  /** The latest last. */
  urls: Schema.Array(ContentUrl)
}) {}

/** What publishing changed. */
export interface Publication {
  readonly content: Published
  /** The content was not there before. */
  readonly isNew: boolean
  /** URLs that led nowhere and lead here now. */
  readonly added: ReadonlyArray<ContentUrl>
  /** URLs that led to other bytes before. */
  readonly moved: ReadonlyArray<{ readonly url: ContentUrl; readonly from: ContentId }>
}

export class Catalog extends Context.Service<
  Catalog,
  {
    /** Keeps the PHF and makes the URLs lead to it. Publishing the same twice changes nothing. */
    readonly publish: (phf: Phf.Phf, urls: ReadonlyArray<ContentUrl>) => Effect.Effect<Publication, DatabaseError>
    readonly byUrl: (url: ContentUrl) => Effect.Effect<Option.Option<Published>, DatabaseError>
    readonly byId: (id: ContentId) => Effect.Effect<Option.Option<Published>, DatabaseError>
    /** The PHF's exact bytes. */
    readonly phf: (id: ContentId) => Effect.Effect<Option.Option<Uint8Array>, DatabaseError>
    /** The latest last. */
    readonly list: Effect.Effect<ReadonlyArray<Published>, DatabaseError>
    /** How many contents there are. */
    readonly count: Effect.Effect<number, DatabaseError>
    /** Forgets the content and its URLs; says whether it was there. */
    readonly unpublish: (id: ContentId) => Effect.Effect<boolean, DatabaseError>
    /** Forgets the URL, and its content too if that was the last one; answers the content it led to. */
    readonly unpublishUrl: (url: ContentUrl) => Effect.Effect<Option.Option<ContentId>, DatabaseError>
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

const make = ({ during, sql }: Database["Service"]): Catalog["Service"] => {
  const { gather } = Dialect.of(sql)
  const select = (where: Statement.Fragment) => sql`
    SELECT c.id AS "contentId", c.content_size AS "contentSize", c.piece_size AS "pieceSize", c.phf_digest AS "phfDigest",
      c.published_at AS "publishedAt",
      (SELECT ${gather("url")} FROM (SELECT url FROM urls WHERE content_id = c.id ORDER BY published_at, place) AS u) AS urls
    FROM contents c WHERE ${where} ORDER BY c.published_at, c.place`
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
  const findAll = SqlSchema.findAll({ Request: Schema.Void, Result: Row, execute: () => select(sql`TRUE`) })
  const findPhf = SqlSchema.findOneOption({
    Request: ContentId,
    Result: Schema.Struct({ phf: Schema.Uint8Array }),
    execute: (id) => sql`SELECT phf FROM contents WHERE id = ${id}`
  })
  const remove = (id: ContentId) => sql`DELETE FROM contents WHERE id = ${id}`

  const addContent = Effect.fnUntraced(function* (phf: Phf.Phf, now: number) {
    const bytes = Phf.encode(phf)
    yield* sql`INSERT INTO contents ${sql.insert({
      id: phf.contentId,
      content_size: phf.layout.contentSize,
      piece_size: phf.layout.pieceSize,
      phf: bytes,
      phf_digest: Phf.fileDigest(bytes),
      published_at: now
    })}`
  })

  return Catalog.of({
    publish: Effect.fn("Catalog.publish")(function* (phf, urls) {
      const now = yield* Clock.currentTimeMillis
      const id = phf.contentId
      const change = Effect.gen(function* () {
        const isNew = Option.isNone(yield* findById(id))
        if (isNew) yield* addContent(phf, now)
        const added: Array<ContentUrl> = []
        const moved: Array<Publication["moved"][number]> = []
        for (const url of new Set(urls)) {
          const before = Option.getOrUndefined(yield* findByUrl(url))?.contentId
          if (before === id) continue
          if (before === undefined) added.push(url)
          else moved.push({ url, from: before })
          yield* sql`INSERT INTO urls ${sql.insert({ url, content_id: id, published_at: now })}
            ON CONFLICT (url) DO UPDATE SET content_id = excluded.content_id, published_at = excluded.published_at`
        }
        const content = yield* Effect.flatMap(findById(id), Effect.fromOption).pipe(
          Effect.catchTag("NoSuchElementError", Effect.die)
        )
        return { content, isNew, added, moved }
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

    count: Effect.map(sql<{ readonly n: number | bigint }>`SELECT count(*) AS n FROM contents`, ([row]) =>
      Number(row?.n ?? 0)
    ).pipe(during("count the contents")),
    unpublish: Effect.fn("Catalog.unpublish")(function* (id) {
      const change = Effect.gen(function* () {
        const there = Option.isSome(yield* findById(id))
        yield* remove(id)
        return there
      })
      return yield* sql.withTransaction(change)
    }, during("unpublish a content")),

    unpublishUrl: Effect.fn("Catalog.unpublishUrl")(function* (url) {
      const change = Effect.gen(function* () {
        const found = Option.getOrUndefined(yield* findByUrl(url))
        if (found === undefined) return Option.none()
        yield* found.urls.length === 1 ? remove(found.contentId) : sql`DELETE FROM urls WHERE url = ${url}`
        return Option.some(found.contentId)
      })
      return yield* sql.withTransaction(change)
    }, during("unpublish a content"))
  })
}

/** A content as `select` reads it. */
const Row = Schema.Struct({
  contentId: ContentId,
  contentSize: Schema.Natural,
  pieceSize: Schema.Natural,
  phfDigest: Digest,
  publishedAt: Schema.Natural,
  urls: Schema.fromJsonString(Schema.Array(ContentUrl))
}).pipe(Schema.decodeTo(Published))
