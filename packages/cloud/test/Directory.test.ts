import { assert, describe, it } from "@effect/vitest"
import * as ContentId from "@piecework/domain/Content"
import { Effect, Layer, Option } from "effect"
import { RpcClient, RpcTest } from "effect/rpc"
import * as Caller from "../src/Caller.ts"
import * as Directory from "../src/Directory.ts"
import { DiscoveryRpcs } from "../src/DiscoveryRpcs.ts"
import { GeoRpcs } from "../src/GeoRpcs.ts"
import * as KeyValueHandlers from "../src/KeyValueHandlers.ts"
import { KeyValueRpcs } from "../src/KeyValueRpcs.ts"
import { RoleUrls } from "../src/RoleUrls.ts"

const who = { clientVersion: "1", profile: 768 }
const contentId = Option.getOrThrow(ContentId.parse("DO-aGZA_I8Lc2F-ZsPzrXhTrcZaVte-PexJ5cOai52WjpQ"))

/** What the three roles say, when the operator has said this of the places. */
const told = (urls: RoleUrls, groupId?: string) =>
  Effect.gen(function* () {
    const client = yield* RpcTest.makeClient(GeoRpcs.merge(KeyValueRpcs, DiscoveryRpcs))
    const { keyValueUrl } = yield* client.Geo({ ...who, callId: 0 })
    const { contentPolicyUrl, discoveryUrl } = yield* client.KeyValue(who)
    const arrays = yield* client.Discover({ ...who, contentId, partitionId: 0, ...(groupId && { groupId }) })
    return { keyValueUrl, contentPolicyUrl, discoveryUrl, arrays: arrays.map(({ url }) => url) }
  }).pipe(
    Effect.scoped,
    Effect.provide(
      Directory.layer().pipe(
        Layer.provideMerge([Caller.layerInProcess({ baseUrl: "http://came.by" }), Layer.succeed(RoleUrls, urls)])
      )
    )
  )

describe("The directory", () => {
  it.effect("tells of roles under the URL by which the caller came", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* told({}), {
        keyValueUrl: "http://came.by/rpc/kv",
        contentPolicyUrl: "http://came.by/rpc/cp",
        discoveryUrl: "http://came.by/rpc/disc",
        arrays: ["http://came.by/rpc/array"]
      })
    })
  )

  it.effect("tells of a role that runs apart where the operator said that it is", () =>
    Effect.gen(function* () {
      const answer = yield* told({ KeyValue: ["https://kv.example"], ContentPolicy: ["https://cp.example/under"] })
      assert.strictEqual(answer.keyValueUrl, "https://kv.example/rpc/kv")
      assert.strictEqual(answer.contentPolicyUrl, "https://cp.example/under/rpc/cp")
      assert.strictEqual(answer.discoveryUrl, "http://came.by/rpc/disc")
    })
  )

  it.effect("sends all devices of a content and group to the same Array first, and names the others behind it", () =>
    Effect.gen(function* () {
      const [a, b, c] = ["https://a.example", "https://b.example", "https://c.example"] as const
      const { arrays } = yield* told({ Array: [a, b, c] })
      assert.deepStrictEqual(
        [...arrays].toSorted(),
        [a, b, c].map((base) => `${base}/rpc/array`)
      )
      assert.deepStrictEqual((yield* told({ Array: [c, b, a] })).arrays, arrays)
      const byGroup = yield* Effect.forEach(["g1", "g2", "g3", "g4", "g5"], (group) =>
        Effect.map(told({ Array: [a, b, c] }, group), (answer) => answer.arrays[0])
      )
      assert.isAbove(new Set(byGroup).size, 1)
    })
  )

  it.effect("names at most sixteen Arrays, as many as an answer holds", () =>
    Effect.gen(function* () {
      const many = Array.from({ length: 20 }, (_, n) => `https://a${n}.example`)
      assert.strictEqual((yield* told({ Array: ["https://a.example", ...many] })).arrays.length, 16)
    })
  )

  it.effect("names the cache servers of the caller's address, and says nothing of them where there are none", () =>
    Effect.gen(function* () {
      const cache = { host: "10.0.0.9", port: 80, isTls: false }
      const at = (ip: string) =>
        Effect.gen(function* () {
          const client = yield* RpcTest.makeClient(KeyValueRpcs)
          return yield* RpcClient.withHeaders({ [Caller.externalIpHeader]: ip })(client.KeyValue(who))
        }).pipe(
          Effect.scoped,
          Effect.provide(
            KeyValueHandlers.layer({
              cacheHosts: ({ externalIp }) => (externalIp === "203.0.113.7" ? [cache] : [])
            }).pipe(Layer.provideMerge([Caller.layerInProcess(), Layer.succeed(RoleUrls, {})]))
          )
        )
      assert.deepStrictEqual((yield* at("203.0.113.7")).cacheHosts, [cache])
      assert.notProperty(yield* at("203.0.113.8"), "cacheHosts")
    })
  )
})
