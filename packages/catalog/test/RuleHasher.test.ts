import { createServer, type IncomingMessage } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import { anonymous, type Identity, local } from "@piecework/cloud/Identity"
import { PolicySettings } from "@piecework/cloud/PolicySettings"
import { Database } from "@piecework/database"
import { ContentUrl } from "@piecework/domain"
import { PieceHasher } from "@piecework/hashing"
import { HttpClient, HttpClientConfig } from "@piecework/sources"
import { Transport } from "@piecework/transport"
import { Audit } from "@piecework/trust"
import { Duration, Effect, Layer, Option, Result, Schedule } from "effect"
import { Administration } from "../src/Administration.ts"
import { Catalog } from "../src/Catalog.ts"
import * as CatalogConfig from "../src/CatalogConfig.ts"
import { RuleHasher } from "../src/RuleHasher.ts"
import * as RulePattern from "../src/RulePattern.ts"
import { type Rule, Rules } from "../src/Rules.ts"
import * as UrlHasher from "../src/UrlHasher.ts"

interface Origin {
  bytes: Buffer
  etag: string
  status: number
  /** Requests for all of it, and for a look, by their paths with queries. */
  readonly reads: Array<string>
  readonly looks: Array<string>
  /** What a read waits for. */
  gate: Promise<void>
  readonly url: (path: string) => ContentUrl.ContentUrl
}

/** An origin with the same bytes at every path. */
const origin = Effect.acquireRelease(
  Effect.callback<{ readonly self: Origin; readonly close: () => void }>((resume) => {
    const server = createServer((request: IncomingMessage, response) => {
      const { bytes, etag, gate, looks, reads, status } = self
      const isLook = request.headers.range !== undefined
      ;(isLook ? looks : reads).push(request.url ?? "")
      const headers = { etag }
      if (status !== 200) return response.writeHead(status).end()
      if (request.headers["if-none-match"] === etag) return response.writeHead(304, headers).end()
      if (isLook) {
        response.writeHead(206, { ...headers, "content-range": `bytes 0-0/${bytes.length}` })
        return response.end(bytes.subarray(0, 1))
      }
      return gate.then(() => response.writeHead(200, { ...headers, "content-length": bytes.length }).end(bytes))
    })
    const self: Origin = {
      bytes: Buffer.alloc(1_200_000, "first"),
      etag: '"1"',
      status: 200,
      reads: [],
      looks: [],
      gate: Promise.resolve(),
      url: (path) => {
        const at = server.address()
        const port = typeof at === "object" && at !== null ? at.port : 0
        return Result.getOrThrow(ContentUrl.parse(`http://127.0.0.1:${port}${path}`))
      }
    }
    server.listen(0, "127.0.0.1", () =>
      resume(Effect.succeed({ self, close: () => (server.closeAllConnections(), server.close()) }))
    )
  }),
  ({ close }) => Effect.sync(close)
).pipe(Effect.map(({ self }) => self))

const services = (config?: Partial<CatalogConfig.CatalogConfig["Service"]>) =>
  RuleHasher.layer.pipe(
    Layer.provideMerge(Layer.merge(Administration.layer, Rules.layer)),
    Layer.provideMerge(Layer.mergeAll(Catalog.layer, Audit.Audit.layer)),
    Layer.provide([
      Database.Database.layerMemory,
      PieceHasher.PieceHasher.layerMemory,
      // Rules count at once, and what was published is looked at each time.
      CatalogConfig.layer({ refreshEvery: Duration.zero, ruleMaxAge: Duration.zero, ...config }),
      HttpClient.HttpClient.layer.pipe(
        Layer.provide(HttpClientConfig.layer()),
        Layer.provide(Transport.Transport.layer)
      )
    ])
  )

const ruled = (at: Origin, path: string, rule?: Partial<Pick<Rule, "countsQuery" | "maxBytes" | "policy">>) =>
  Rules.use((rules) =>
    rules.add(local, Result.getOrThrow(RulePattern.parse(at.url("/").slice(0, -1) + path)), {
      countsQuery: false,
      maxBytes: 10_000_000,
      policy: new PolicySettings({}),
      ...rule
    })
  )

const find = (url: ContentUrl.ContentUrl, identity: Identity = anonymous) =>
  RuleHasher.use((rules) => rules.find(url, identity))

/** The content, once it is there. */
const found = (url: ContentUrl.ContentUrl, identity?: Identity) =>
  find(url, identity).pipe(
    Effect.repeat({ until: Option.isSome, schedule: Schedule.spaced("5 millis") }),
    Effect.map(Option.getOrThrow)
  )

/** So long nothing happens that should not. */
const aWhile = Effect.sleep("100 millis")

/** So many reads have come, and after a while no more. */
const reads = (at: Origin, count: number) =>
  Effect.sync(() => at.reads.length >= count).pipe(
    Effect.repeat({ until: (isSo) => isSo, schedule: Schedule.spaced("5 millis") }),
    Effect.andThen(aWhile)
  )

describe("What a rule is about", () => {
  it.live("is unknown to all who ask while it is hashed once, and then published with the rule's policy", () =>
    Effect.gen(function* () {
      const at = yield* origin
      const url = at.url("/debian/a.deb")
      yield* ruled(at, "/debian/*", { policy: new PolicySettings({ rank: 4 }) })
      const opening = Promise.withResolvers<void>()
      at.gate = opening.promise
      const asked = yield* Effect.forEach([1, 2, 3, 4, 5], () => find(url), { concurrency: "unbounded" })
      assert.isTrue(asked.every(Option.isNone))
      opening.resolve()
      const content = yield* found(url)
      assert.deepStrictEqual([content.contentSize, { ...content.policy }], [at.bytes.length, { rank: 4 }])
      assert.deepStrictEqual(at.reads, ["/debian/a.deb"])
      const [entry] = yield* Audit.Audit.use((audit) => audit.entries({ most: 1 }))
      assert.deepStrictEqual([entry?.who, entry?.action], ["operator rules", "content.publish"])
      assert.isTrue(Option.isNone(yield* find(at.url("/debian/deep/a.deb"))))
      yield* aWhile
      assert.strictEqual(at.reads.length, 1)
    }).pipe(Effect.provide(services()))
  )

  it.live("is known as long as its origin says that it is the same, and hashed anew when it is not", () =>
    Effect.gen(function* () {
      const at = yield* origin
      const url = at.url("/a")
      yield* ruled(at, "/**")
      const first = yield* found(url)
      assert.strictEqual((yield* found(url)).contentId, first.contentId)
      assert.strictEqual(at.reads.length, 1)

      at.bytes = Buffer.alloc(1_300_000, "second")
      at.etag = '"2"'
      // The old hashes would spoil the bytes that the origin has now.
      assert.isTrue(Option.isNone(yield* find(url)))
      const second = yield* found(url)
      assert.deepStrictEqual([second.contentSize, at.reads.length], [1_300_000, 2])
      const old = Option.getOrThrow(yield* Catalog.use((catalog) => catalog.byId(first.contentId)))
      assert.deepStrictEqual(old.urls, [])

      at.status = 503
      assert.isTrue(Option.isNone(yield* find(url)))
      at.status = 200
      assert.strictEqual((yield* found(url)).contentId, second.contentId)
      at.status = 410
      assert.isTrue(Option.isNone(yield* find(url)))
      assert.isTrue(Option.isNone(yield* Catalog.use((catalog) => catalog.byUrl(url))))
    }).pipe(Effect.provide(services()))
  )

  it.live("is not looked at again before its time, and never if somebody published it", () =>
    Effect.gen(function* () {
      const at = yield* origin
      const mine = at.url("/mine")
      const { phf } = yield* UrlHasher.hash(mine)
      yield* Administration.use((administration) => administration.publish(local, { phf, urls: [mine] }))
      yield* ruled(at, "/**")
      yield* found(at.url("/a"))
      const looks = at.looks.length
      at.etag = '"2"'
      assert.isTrue(Option.isSome(yield* find(at.url("/a"))))
      assert.isTrue(Option.isSome(yield* find(mine)))
      assert.strictEqual(at.looks.length, looks)
    }).pipe(
      Effect.provide([
        services({ ruleMaxAge: Duration.minutes(1) }),
        PieceHasher.PieceHasher.layerMemory,
        HttpClient.HttpClient.layer.pipe(
          Layer.provide(HttpClientConfig.layer()),
          Layer.provide(Transport.Transport.layer)
        )
      ])
    )
  )

  it.live("has a query only where the rule says so", () =>
    Effect.gen(function* () {
      const at = yield* origin
      yield* ruled(at, "/plain/*")
      yield* ruled(at, "/with/*", { countsQuery: true })
      const plain = yield* found(at.url("/plain/a?token=1"))
      assert.strictEqual((yield* found(at.url("/plain/a?token=2"))).contentId, plain.contentId)
      // Whoever asks does not choose what the origin gives for all.
      assert.deepStrictEqual(at.reads, ["/plain/a"])
      yield* found(at.url("/with/a?v=1"))
      yield* found(at.url("/with/a?v=2"))
      assert.deepStrictEqual(at.reads.slice(1), ["/with/a?v=1", "/with/a?v=2"])
    }).pipe(Effect.provide(services({ ruleMaxAge: Duration.minutes(1) })))
  )

  it.live("is left alone for a while when it could not be hashed", () =>
    Effect.gen(function* () {
      const at = yield* origin
      yield* ruled(at, "/**", { maxBytes: 1_000_000 })
      at.status = 404
      yield* find(at.url("/none"))
      yield* find(at.url("/none"))
      at.status = 200
      yield* find(at.url("/large"))
      yield* reads(at, 2)
      for (const path of ["/none", "/large", "/none", "/large"]) yield* find(at.url(path))
      yield* aWhile
      assert.deepStrictEqual([...at.reads].toSorted(), ["/large", "/none"])
    }).pipe(Effect.provide(services()))
  )

  it.live("is not read for devices that may not have it, nor beyond what fits into the queue", () =>
    Effect.gen(function* () {
      const at = yield* origin
      yield* ruled(at, "/lab/*", { policy: new PolicySettings({ groups: ["lab"] }) })
      yield* ruled(at, "/all/*")
      yield* find(at.url("/lab/a"))
      yield* find(at.url("/lab/a"), { _tag: "Device", id: "d", groups: ["plant"] })
      yield* aWhile
      assert.deepStrictEqual(at.reads, [])
      yield* found(at.url("/lab/a"), { _tag: "Device", id: "d", groups: ["lab"] })
      const opening = Promise.withResolvers<void>()
      at.gate = opening.promise
      for (const n of [1, 2, 3, 4]) yield* find(at.url(`/all/${n}`))
      yield* reads(at, 2)
      assert.deepStrictEqual(at.reads.slice(1), ["/all/1"])
      opening.resolve()
      yield* found(at.url("/all/2"))
      yield* aWhile
      assert.deepStrictEqual(at.reads.slice(1), ["/all/1", "/all/2"])
    }).pipe(Effect.provide(services({ ruleConcurrency: 1, ruleQueue: 2, ruleMaxAge: Duration.minutes(1) })))
  )
})
