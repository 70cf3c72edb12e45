import { assert, describe, it } from "@effect/vitest"
import { wasted } from "@piecework/download/Tally"
import { fromPeers, total } from "@piecework/domain/SourceKind"
import { World } from "@piecework/testkit"
import { MemoryNetwork } from "@piecework/transport"
import { Effect, Option } from "effect"
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

const expectFile = (client: World.TestClient, bytes: Uint8Array) =>
  Effect.map(client.file("/out/file"), (file) =>
    assert.isTrue(Option.isSome(file) && Buffer.compare(file.value, bytes) === 0, `${client.host} has the file`)
  )

describe("a site", () => {
  it.effect("fetches a file for eight clients that start together with little more than one copy", () =>
    Effect.gen(function* () {
      const world = yield* World.make({ network: site(1_000_000) })
      const bytes = World.bytesOf(100 * world.pieceSize + 123)
      const { url } = yield* world.publish("/image", bytes)
      const clients = yield* Effect.forEach(Array.from({ length: 8 }), () => world.client())
      const results = yield* within(
        "30 seconds",
        Effect.forEach(clients, (client) => Effect.flatMap(client.start({ url }), (active) => active.result), {
          concurrency: "unbounded"
        })
      )
      yield* Effect.forEach(clients, (client) => expectFile(client, bytes))
      for (const result of results) {
        assert.strictEqual(result.mode, "Lan")
        assert.strictEqual(total(result.bytes), bytes.length)
      }
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
      yield* within(
        "30 seconds",
        Effect.flatMap(first.start({ url }), (active) => active.result)
      )
      const before = world.origin.sent("/image")
      const late = yield* world.client()
      const result = yield* within(
        "30 seconds",
        Effect.flatMap(late.start({ url }), (active) => active.result)
      )
      yield* expectFile(late, bytes)
      assert.isAbove(fromPeers(result.bytes) / bytes.length, 0.8)
      assert.isBelow((world.origin.sent("/image") - before) / bytes.length, 0.4)
    })
  )
})
