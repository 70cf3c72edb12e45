import { assert, describe, it } from "@effect/vitest"
import { wasted } from "@piecework/download/Tally"
import { fromPeers, total } from "@piecework/domain/SourceKind"
import { World } from "@piecework/testkit"
import { MemoryNetwork } from "@piecework/transport"
import { Effect } from "effect"
import { download, expectFile } from "./downloads.ts"
import { within } from "./within.ts"

/** One thin line between the origin and the site, and a fat network inside. */
const site = (bytesPerSecond: number): MemoryNetwork.Options => {
  const thin = MemoryNetwork.line(bytesPerSecond)
  return {
    link: (from, to) =>
      from === World.originHost || to === World.originHost
        ? { latency: "10 millis", ...(from === World.originHost ? { lines: [thin] } : {}) }
        : { latency: "1 millis" }
  }
}

describe("a site", () => {
  it.effect("fetches a file for eight clients that start together with little more than one copy", () =>
    Effect.gen(function* () {
      const world = yield* World.make({ network: site(1_000_000) })
      const bytes = World.bytesOf(100 * world.pieceSize + 123)
      const { url } = yield* world.publish("/image", bytes)
      const clients = yield* Effect.forEach(Array.from({ length: 8 }), () => world.client())
      const results = yield* within(
        "30 seconds",
        Effect.forEach(
          clients,
          (client) => Effect.flatMap(client.start({ url }), (active) => expectFile(client, active, bytes)),
          { concurrency: "unbounded" }
        )
      )
      for (const { mode } of results) assert.strictEqual(mode, "Lan")
      const fetched = results.reduce((sum, result) => sum + total(result.bytes) + wasted(result.waste), 0)
      const waste = results.reduce((sum, result) => sum + wasted(result.waste), 0)
      assert.isBelow(world.origin.sent("/image") / bytes.length, 1.6)
      assert.isBelow(waste / fetched, 0.1)
      assert.isAbove(
        results.reduce((sum, result) => sum + fromPeers(result.bytes), 0),
        6 * bytes.length
      )
    })
  )

  it.effect("serves a late client from its neighbours alone", () =>
    Effect.gen(function* () {
      const world = yield* World.make({ network: site(1_000_000) })
      const bytes = World.bytesOf(60 * world.pieceSize)
      const { url } = yield* world.publish("/image", bytes)
      const first = yield* world.client()
      yield* download(first, { url }, bytes)
      const before = world.origin.sent("/image")
      const late = yield* world.client()
      const result = yield* download(late, { url }, bytes)
      assert.isAbove(fromPeers(result.bytes) / bytes.length, 0.8)
      assert.isBelow((world.origin.sent("/image") - before) / bytes.length, 0.4)
    })
  )
})
