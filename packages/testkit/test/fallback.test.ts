import { assert, describe, it } from "@effect/vitest"
import { Cloud, CloudConfig } from "@piecework/cloud"
import type { CloudError } from "@piecework/cloud/CloudError"
import type { ModeReason } from "@piecework/domain/DownloadMode"
import { World } from "@piecework/testkit"
import { Effect, Layer } from "effect"
import { download, failure } from "./downloads.ts"

const bytes = World.bytesOf(40_000)

/** Downloads the published file and says how it ran; the file has to be right whatever happened. */
const run = (world: World.World, options?: World.ClientOptions) =>
  Effect.flatMap(world.client(options), (client) =>
    download(client, { url: world.urlOf("/file") }, bytes, "30 seconds")
  )

const expectSimple = (world: World.World, reason: ModeReason, options?: World.ClientOptions) =>
  Effect.gen(function* () {
    const result = yield* run(world, options)
    assert.strictEqual(result.mode, "Simple")
    assert.strictEqual(result.why.reason, reason)
  })

const published = Effect.gen(function* () {
  const world = yield* World.make()
  const { phf } = yield* world.publish("/file", bytes)
  return { world, phf, at: `/phf/${phf.contentId}` }
})

const failing = (reason: CloudError["reason"]): World.ClientOptions => ({
  cloud: Cloud.Cloud.layerTest({ failing: () => reason }).pipe(Layer.provide(CloudConfig.layer()))
})

describe("a download falls back to plain HTTP, finishes, and says why", () => {
  it.effect("when no service is set", () =>
    Effect.gen(function* () {
      const { world } = yield* published
      yield* expectSimple(world, "NoService", { noService: true })
    })
  )

  for (const [reason, told] of [
    ["Unreachable", "ServiceUnreachable"],
    ["TimedOut", "ServiceUnreachable"],
    ["Unintelligible", "ServiceUnintelligible"],
    ["Refused", "ServiceUnintelligible"],
    ["Untrusted", "ServiceUnreachable"],
    ["NotEnrolled", "NotEnrolled"],
    ["CredentialRefused", "NotEnrolled"]
  ] as const) {
    it.effect(`when the service is ${reason}`, () =>
      Effect.gen(function* () {
        const { world } = yield* published
        yield* expectSimple(world, told, failing(reason))
      })
    )
  }

  it.effect("when the service is away for all who start together", () =>
    Effect.gen(function* () {
      const { world } = yield* published
      const results = yield* Effect.all(
        Array.from({ length: 4 }, () => run(world, failing("Unreachable"))),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(
        results.map((result) => result.mode),
        Array.from({ length: 4 }, () => "Simple")
      )
    })
  )

  it.effect("when the service does not know the content", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      world.origin.put("/file", bytes)
      yield* expectSimple(world, "ContentUnknown")
    })
  )

  it.effect("when the pieces hash file is missing", () =>
    Effect.gen(function* () {
      const { world, at } = yield* published
      world.metadata.remove(at)
      yield* expectSimple(world, "PhfMissing")
    })
  )

  it.effect("when the pieces hash file is of another content", () =>
    Effect.gen(function* () {
      const { world, at } = yield* published
      const other = World.phfOf(World.bytesOf(bytes.length, 9), world.pieceSize)
      const text = JSON.stringify({
        MajorVersion: 1,
        MinorVersion: 0,
        HashOfHashes: Buffer.from(other.hashOfHashes).toString("base64"),
        ContentLength: bytes.length,
        PieceSize: world.pieceSize,
        Pieces: [...Array(other.layout.pieceCount).keys()].map((n) =>
          Buffer.from(other.digests.subarray(32 * n, 32 * n + 32)).toString("base64")
        )
      })
      world.metadata.put(at, Buffer.from(text))
      yield* expectSimple(world, "PhfMismatch")
    })
  )

  it.effect("when the pieces hash file has an unknown version", () =>
    Effect.gen(function* () {
      const { world, at } = yield* published
      world.metadata.put(at, Buffer.from(JSON.stringify({ MajorVersion: 2, MinorVersion: 0 })))
      yield* expectSimple(world, "PhfVersion")
    })
  )

  it.effect("when the pieces hash file is nonsense", () =>
    Effect.gen(function* () {
      const { world, at } = yield* published
      world.metadata.put(at, Buffer.from("<html>please sign in</html>"))
      yield* expectSimple(world, "PhfInvalid")
    })
  )

  it.effect("when the content is small, with a single request to the origin", () =>
    Effect.gen(function* () {
      const { world } = yield* published
      yield* expectSimple(world, "TooSmall", { config: { minContentSize: 1_000_000 } })
    })
  )
})

describe("an origin", () => {
  it.effect("that knows no ranges still delivers a file the service vouches for", () =>
    Effect.gen(function* () {
      const { world } = yield* published
      world.origin.misbehave({ noRanges: true })
      const result = yield* run(world)
      assert.strictEqual(result.mode, "Lan")
      assert.strictEqual(result.bytes.Origin, bytes.length)
    })
  )

  it.effect("that knows no ranges still delivers a file over plain HTTP", () =>
    Effect.gen(function* () {
      const { world } = yield* published
      world.origin.misbehave({ noRanges: true, noValidator: true })
      yield* expectSimple(world, "NoService", { noService: true })
    })
  )

  it.effect("that breaks off again and again is asked for the rest", () =>
    Effect.gen(function* () {
      const { world } = yield* published
      world.origin.misbehave({ cutAfter: 20_000 })
      yield* expectSimple(world, "NoService", { noService: true })
      assert.isBelow(world.origin.sent("/file"), 2 * bytes.length)
    })
  )

  it.effect("that sends an empty file sends a file", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      world.origin.put("/empty", new Uint8Array(0))
      const client = yield* world.client({ noService: true })
      yield* download(client, { url: world.urlOf("/empty") }, new Uint8Array(0), "30 seconds")
    })
  )

  for (const [status, reason] of [
    [404, "NotFound"],
    [403, "Forbidden"],
    [418, "Refused"]
  ] as const) {
    it.effect(`that answers ${status} ends the download with a sentence and no file`, () =>
      Effect.gen(function* () {
        const { world } = yield* published
        world.origin.misbehave({ status })
        const client = yield* world.client()
        const error = yield* failure(client, { url: world.urlOf("/file") }, "30 seconds")
        assert.strictEqual(error._tag === "NoSourceError" && error.reason, reason)
        assert.strictEqual(error._tag === "NoSourceError" && error.status, status)
      })
    )
  }
})
