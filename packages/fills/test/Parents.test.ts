import { assert, it } from "@effect/vitest"
import { CacheHosts, type Choice } from "@piecework/cachehosts/CacheHosts"
import type { CacheHost } from "@piecework/cachehosts/CacheHost"
import { Effect, Layer } from "effect"
import * as Parents from "../src/Parents.ts"
import { Upstreams } from "../src/Upstreams.ts"
import { url } from "./support.ts"

const cache: CacheHost = { host: "parent.example", port: 8080, protocol: "http:", provider: "Policy" }

const over = (choice: Choice, failed: Array<string>) =>
  Parents.layer.pipe(
    Layer.provide(
      Layer.mock(CacheHosts, {
        choose: () => Effect.succeed(choice),
        failed: ({ host }, file, { _tag }) => Effect.sync(() => void failed.push(`${host} ${file} ${_tag}`))
      })
    )
  )

it.effect("asks the cache server that is chosen, then the origin, and tells which of them failed", () => {
  const failed: Array<string> = []
  return Effect.gen(function* () {
    const upstreams = yield* Upstreams
    const [parent, origin] = yield* upstreams.ways(url("/a?b=c"))
    assert.strictEqual(parent?.url, "http://parent.example:8080/a?b=c&cacheHostOrigin=origin.example")
    assert.strictEqual(origin?.url, url("/a?b=c"))
    if (parent !== undefined) yield* upstreams.failed(parent, url("/a"), { _tag: "Status", status: 403 })
    if (origin !== undefined) yield* upstreams.failed(origin, url("/a"), { _tag: "Status", status: 404 })
    assert.deepStrictEqual(failed, ["parent.example http://origin.example/a Status"])
  }).pipe(Effect.provide(over({ _tag: "Use", cache }, failed)))
})

it.effect("asks the origin alone where no cache server may be asked", () =>
  Effect.gen(function* () {
    const ways = yield* Upstreams.use((upstreams) => upstreams.ways(url()))
    assert.deepStrictEqual(
      ways.map(({ kind }) => kind),
      ["Origin"]
    )
  }).pipe(Effect.provide(over({ _tag: "Without", why: "NoneKnown", until: undefined }, [])))
)
