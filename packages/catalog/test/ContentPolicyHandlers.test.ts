import { assert, layer } from "@effect/vitest"
import { Caller } from "@piecework/cloud"
import { ContentPolicyRequest, ContentPolicyRpcs } from "@piecework/cloud/ContentPolicyRpcs"
import { PolicyChange, PolicySettings } from "@piecework/cloud/PolicySettings"
import { ContentUrl, Digest } from "@piecework/domain"
import { Phf } from "@piecework/hashing"
import { Effect, Layer, Result } from "effect"
import { RpcTest } from "effect/rpc"
import { Catalog } from "../src/Catalog.ts"
import * as CatalogConfig from "../src/CatalogConfig.ts"
import * as CatalogGate from "../src/CatalogGate.ts"
import { RuleHasher } from "../src/RuleHasher.ts"
import * as ContentPolicyHandlers from "../src/ContentPolicyHandlers.ts"

const phf = Phf.make({ contentSize: 1_500_000, digests: new Uint8Array(2 * Digest.length).fill(3) })
const url = (name: string) => Result.getOrThrow(ContentUrl.parse(`http://origin.test/${name}`))
const asking = (named: Partial<ConstructorParameters<typeof ContentPolicyRequest>[0]>) =>
  new ContentPolicyRequest({ profile: 768, clientVersion: "1", ...named })

const role = Layer.merge(
  ContentPolicyHandlers.layer,
  Caller.layerInProcess({ baseUrl: "http://service.test:7670" })
).pipe(
  Layer.provide(RuleHasher.layerNone),
  Layer.provideMerge(CatalogGate.layer),
  Layer.provide(CatalogConfig.layer()),
  Layer.provideMerge(Catalog.layerMemory)
)

layer(role)("The ContentPolicy role", (spec) => {
  spec.effect("tells what a published content is and where its PHF lies", () =>
    Effect.gen(function* () {
      yield* Catalog.use((catalog) => catalog.publish(phf, [url("a"), url("b")]))
      const client = yield* RpcTest.makeClient(ContentPolicyRpcs)
      const reply = yield* client.ContentPolicy(asking({ altCatalogId: url("b") }))
      assert.strictEqual(reply.contentId, phf.contentId)
      assert.deepStrictEqual([...reply.hashOfHashes], [...phf.hashOfHashes])
      assert.deepStrictEqual(reply.phfUrls, [
        ContentUrl.ContentUrl.make(`http://service.test:7670/phf/${phf.contentId}`)
      ])
      assert.deepStrictEqual(reply.contentUrls, [url("a"), url("b")])
      assert.deepStrictEqual([...(reply.phfDigest ?? [])], [...Phf.fileDigest(Phf.encode(phf))])
      assert.deepStrictEqual(yield* client.ContentPolicy(asking({ contentId: phf.contentId })), reply)
    })
  )

  spec.effect("tells apart what the publisher said from what it says as usual", () =>
    Effect.gen(function* () {
      const terms = Phf.make({ contentSize: 1, digests: new Uint8Array(Digest.length).fill(5) })
      const client = yield* RpcTest.makeClient(ContentPolicyRpcs)
      const policies = Effect.map(
        client.ContentPolicy(asking({ contentId: terms.contentId })),
        (reply) => reply.policies
      )
      yield* Catalog.use((catalog) => catalog.publish(terms, [url("terms")]))
      assert.isUndefined((yield* policies).said)
      const set = new PolicySettings({ backgroundQosBps: 5, maxCacheAgeSeconds: 0 })
      yield* Catalog.use((catalog) => catalog.setPolicy(terms.contentId, new PolicyChange({ set, reset: [] })))
      const { backgroundQosBps, said } = yield* policies
      assert.deepStrictEqual([backgroundQosBps, said], [5, ["backgroundQosBps", "maxCacheAgeSeconds"]])
    })
  )

  spec.effect("tells at most 32 URLs, the latest", () =>
    Effect.gen(function* () {
      const names = Array.from({ length: 40 }, (_, n) => url(`many/${n}`))
      const many = Phf.make({ contentSize: 1, digests: new Uint8Array(Digest.length).fill(4) })
      yield* Catalog.use((catalog) => catalog.publish(many, names))
      const client = yield* RpcTest.makeClient(ContentPolicyRpcs)
      const reply = yield* client.ContentPolicy(asking({ contentId: many.contentId }))
      assert.deepStrictEqual(reply.contentUrls, names.slice(8))
    })
  )

  spec.effect("does not know what is not published, and goes by the id when it has both names", () =>
    Effect.gen(function* () {
      yield* Catalog.use((catalog) => catalog.publish(phf, [url("a")]))
      const client = yield* RpcTest.makeClient(ContentPolicyRpcs)
      const unknown = Phf.make({ contentSize: 1, digests: new Uint8Array(Digest.length) }).contentId
      for (const named of [{ altCatalogId: url("z") }, { contentId: unknown, altCatalogId: url("a") }]) {
        const error = yield* Effect.flip(client.ContentPolicy(asking(named)))
        assert.strictEqual(error.message.slice(0, 25), "The service does not know")
      }
    })
  )

  spec.effect("refuses a request that names nothing", () =>
    Effect.gen(function* () {
      const client = yield* RpcTest.makeClient(ContentPolicyRpcs)
      const error = yield* Effect.flip(client.ContentPolicy(asking({})))
      assert.include(error.message, "names no content")
    })
  )
})
