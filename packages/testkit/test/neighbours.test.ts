import { assert, describe, it } from "@effect/vitest"
import { Phf } from "@piecework/hashing"
import { World } from "@piecework/testkit"
import { MemoryNetwork } from "@piecework/transport"
import { Effect } from "effect"
import { download, expectCounted, failure } from "./downloads.ts"
import { within } from "./within.ts"

const bytes = World.bytesOf(200 * 4096 - 7, 5)

/** A site on a thin line: the file takes two seconds to come from the origin, and nothing from the next device. */
const thin = Effect.suspend(() => {
  const line = MemoryNetwork.line(400_000)
  return World.make({ network: { link: (from) => (from === World.originHost ? { lines: [line] } : {}) } })
})

/** A world whose origin has a file with its hashes beside it, that no service was told of. */
const unpublished = Effect.gen(function* () {
  const world = yield* thin
  const phf = World.phfOf(bytes, world.pieceSize)
  world.origin.put("/image", bytes)
  world.origin.put("/image.phf", Phf.encode(phf))
  return { world, url: world.urlOf("/image"), contentId: phf.contentId }
})

const alone = { noService: true, hasLan: true }
const inGroup = (groupId: string) => ({ ...alone, config: { groupId } })

describe("Without any service, devices of one network", () => {
  it.effect("find each other, and the second takes what the first has", () =>
    Effect.gen(function* () {
      const { contentId, url, world } = yield* unpublished
      const first = yield* world.client(alone)
      yield* download(first, { url, contentId }, bytes)
      const before = world.origin.sent("/image")
      const second = yield* world.client(alone)
      const result = yield* download(second, { url, contentId }, bytes)
      assert.strictEqual(result.mode, "Lan")
      assert.isAbove(result.bytes.LinkLocal + result.bytes.Lan, 0.5 * bytes.length)
      assert.isBelow(world.origin.sent("/image") - before, 0.5 * bytes.length)
    })
  )

  it.effect("that begin together share the origin", () =>
    Effect.gen(function* () {
      const { contentId, url, world } = yield* unpublished
      const clients = yield* Effect.forEach([1, 2, 3, 4], () => world.client(alone))
      const actives = yield* Effect.forEach(clients, (client) => client.start({ url, contentId }))
      const results = yield* within(
        "2 minutes",
        Effect.forEach(actives, ({ result }) => result, { concurrency: "unbounded" })
      )
      for (const result of results) expectCounted(result)
      const copies = world.origin.sent("/image") / bytes.length
      assert.isBelow(copies, 2, `${copies} copies for four devices`)
    })
  )

  it.effect("do not mix groups", () =>
    Effect.gen(function* () {
      const { contentId, url, world } = yield* unpublished
      const first = yield* world.client(inGroup("lab"))
      yield* download(first, { url, contentId, mode: "Group" }, bytes)
      const stranger = yield* world.client(inGroup("office"))
      const result = yield* download(stranger, { url, contentId, mode: "Group" }, bytes)
      assert.strictEqual(result.bytes.Origin, bytes.length)
      const friend = yield* world.client(inGroup("lab"))
      assert.isAbove((yield* download(friend, { url, contentId, mode: "Group" }, bytes)).peers, 0)
    })
  )
})

describe("A content that the caller names", () => {
  it.effect("is refused when the origin has other bytes, whether its hashes are there or not", () =>
    Effect.gen(function* () {
      const { url, world } = yield* unpublished
      const client = yield* world.client(alone)
      const { contentId } = World.phfOf(World.bytesOf(300_000, 9), world.pieceSize)
      const error = yield* failure(client, { url, contentId })
      assert.deepInclude(error, { _tag: "NoSourceError", reason: "BadPieces" })
      world.origin.put("/bare", bytes)
      const bare = yield* failure(client, { url: world.urlOf("/bare"), contentId })
      assert.deepInclude(bare, { _tag: "NoSourceError", reason: "BadPieces" })
    })
  )

  it.effect("comes over plain HTTP where nobody has its hashes, and is what was asked for", () =>
    Effect.gen(function* () {
      const { world } = yield* unpublished
      world.origin.put("/bare", bytes)
      const client = yield* world.client(alone)
      const contentId = World.phfOf(bytes, world.pieceSize).contentId
      const result = yield* download(client, { url: world.urlOf("/bare"), contentId }, bytes)
      assert.deepStrictEqual([result.mode, result.why.reason], ["Simple", "PhfMissing"])
    })
  )
})

describe("A device that may have peers of its own network only", () => {
  it.effect("takes none that the service names", () =>
    Effect.gen(function* () {
      const world = yield* thin
      const { url } = yield* world.publish("/image", bytes)
      yield* download(yield* world.client(), { url }, bytes)
      const strict = yield* world.client({ config: { peersFrom: "Local" } })
      assert.strictEqual((yield* download(strict, { url }, bytes)).bytes.Origin, bytes.length)
      const neighbour = yield* world.client({ hasLan: true })
      yield* download(neighbour, { url }, bytes)
      const both = yield* world.client({ hasLan: true, config: { peersFrom: "Local" } })
      const near = (yield* download(both, { url }, bytes)).bytes
      assert.isAbove(near.LinkLocal + near.Lan, 0.5 * bytes.length)
    })
  )
})
