import { createServer, type ServerResponse } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import { local } from "@piecework/cloud/Identity"
import { noChange } from "@piecework/cloud/PolicySettings"
import { Database } from "@piecework/database"
import { ContentUrl } from "@piecework/domain"
import { PieceHasher } from "@piecework/hashing"
import { HttpClient, HttpClientConfig } from "@piecework/sources"
import { Transport } from "@piecework/transport"
import { Audit } from "@piecework/trust"
import { Context, Effect, Layer, Option, Result, Schedule } from "effect"
import { Administration } from "../src/Administration.ts"
import { Catalog } from "../src/Catalog.ts"
import * as CatalogConfig from "../src/CatalogConfig.ts"
import { UrlPublisher } from "../src/UrlPublisher.ts"

const rooms = UrlPublisher.layer.pipe(
  Layer.provideMerge(Administration.layer),
  Layer.provideMerge(Layer.merge(Catalog.layer, Audit.Audit.layer)),
  Layer.provide(Database.Database.layerMemory),
  Layer.provide([
    CatalogConfig.layer({ ruleConcurrency: 1 }),
    PieceHasher.PieceHasher.layerMemory,
    HttpClient.HttpClient.layer.pipe(Layer.provide(HttpClientConfig.layer()), Layer.provide(Transport.Transport.layer))
  ])
)

/** An origin with a file under each path but `/gone`, which gives none of `/held…` before it is told to. */
const origin = Effect.acquireRelease(
  Effect.callback<{
    readonly url: (path: string) => ContentUrl.ContentUrl
    readonly release: () => void
    readonly end: () => void
  }>((resume) => {
    const held: Array<ServerResponse> = []
    let isHeld = true
    const body = Buffer.alloc(1_500_000, "piecework")
    const send = (response: ServerResponse) => response.writeHead(200, { "content-length": body.length }).end(body)
    const server = createServer((request, response) => {
      if (request.url === "/gone") return void response.writeHead(404).end()
      if (isHeld && request.url?.startsWith("/held") === true) return void held.push(response)
      send(response)
    })
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      resume(
        Effect.succeed({
          url: (path) => Result.getOrThrow(ContentUrl.parse(`http://127.0.0.1:${port}${path}`)),
          release: () => {
            isHeld = false
            for (const response of held.splice(0)) send(response)
          },
          end: () => (server.closeAllConnections(), server.close())
        })
      )
    })
  }),
  ({ end }) => Effect.sync(end)
)

const over = (publisher: UrlPublisher["Service"]) =>
  publisher.list.pipe(
    Effect.repeat({
      until: (all) => all.every(({ state }) => state._tag === "Published" || state._tag === "Failed"),
      schedule: Schedule.spaced("50 millis")
    }),
    Effect.timeout("60 seconds")
  )

describe("A file that the service is to hash", () => {
  it.live("is published under its URL, with who did it in the audit log; one that cannot be had says why", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const context = yield* Layer.build(rooms)
      const publisher = Context.get(context, UrlPublisher)
      const begun = yield* publisher.publish(local, url("/a.bin"), noChange)
      assert.strictEqual(begun.state._tag, "Waiting")
      yield* publisher.publish(local, url("/gone"), noChange)
      const [gone, done] = yield* over(publisher)
      assert.deepInclude(done?.state, { _tag: "Published", contentSize: 1_500_000, isNew: true })
      assert.strictEqual(gone?.state._tag === "Failed" ? gone.state.sentence.includes("HTTP 404") : "", true)
      const found = yield* Context.get(context, Catalog).byUrl(url("/a.bin"))
      assert.isTrue(Option.isSome(found))
      const entries = yield* Context.get(context, Audit.Audit).entries({ most: 10 })
      assert.deepStrictEqual(
        entries.map(({ action, who }) => [action, who]),
        [["content.publish", "operator local"]]
      )
    })
  )

  it.live("is read once however often it is asked for, after those before it, and only so many wait", () =>
    Effect.gen(function* () {
      const { release, url } = yield* origin
      const publisher = Context.get(yield* Layer.build(rooms), UrlPublisher)
      const first = yield* publisher.publish(local, url("/held"), noChange)
      assert.strictEqual((yield* publisher.publish(local, url("/held"), noChange)).id, first.id)
      for (let n = 1; n < 16; n++) yield* publisher.publish(local, url(`/held/${n}`), noChange)
      const refused = yield* Effect.flip(publisher.publish(local, url("/held/16"), noChange))
      assert.strictEqual(refused.reason, "Overloaded")
      assert.lengthOf(yield* publisher.list, 16)
      release()
      const all = yield* over(publisher)
      assert.deepStrictEqual(new Set(all.map(({ state }) => state._tag)), new Set(["Published"]))
      assert.strictEqual(all.filter(({ state }) => state._tag === "Published" && state.isNew).length, 1)
    })
  )
})
