/** Downloads in a world, held against what must be true of every one. */
import { assert } from "@effect/vitest"
import type { Downloader, Progress } from "@piecework/download"
import { type SourceKind, total } from "@piecework/domain/SourceKind"
import { wasted } from "@piecework/download/Tally"
import { BufferPool } from "@piecework/hashing"
import type { World } from "@piecework/testkit"
import { Context, type Duration, Effect, Option } from "effect"
import { within } from "./within.ts"

type Request = Parameters<World.TestClient["start"]>[0]

/** Each byte is counted once: what came in is useful or waste, and the useful ones are the file. */
export const expectCounted = (result: Progress.DownloadResult) => {
  const { bytes, received, waste, fileBytes } = result
  assert.strictEqual(total(bytes), fileBytes, "the sum of the bytes is the file")
  assert.strictEqual(total(received), total(bytes) + wasted(waste), "received = useful + waste")
  for (const [name, n] of Object.entries(waste)) assert.isAtLeast(n, 0, name)
  for (const kind of Object.keys(bytes) as Array<SourceKind>) assert.isAtLeast(received[kind], bytes[kind], kind)
}

/** The result of the download, once its file is there and right. */
export const expectFile = (
  client: World.TestClient,
  active: Downloader.ActiveDownload,
  bytes: Uint8Array,
  path = "/out/file"
) =>
  Effect.gen(function* () {
    const result = yield* active.result
    const file = Option.getOrThrow(yield* client.file(path))
    assert.strictEqual(Buffer.compare(file, bytes), 0, `${client.host} has the file`)
    assert.strictEqual(result.fileBytes, bytes.length)
    expectCounted(result)
    return result
  })

/** Downloads while the clock runs; goes on serving until the scope closes. */
export const download = (
  client: World.TestClient,
  request: Request,
  bytes: Uint8Array,
  limit: Duration.Input = "1 minute"
) =>
  within(
    limit,
    Effect.flatMap(client.start(request), (active) => expectFile(client, active, bytes, request.path))
  )

/** What a download ends with that cannot succeed; nothing is at its destination. */
export const failure = (client: World.TestClient, request: Request, limit: Duration.Input = "1 minute") =>
  Effect.gen(function* () {
    const error = yield* within(
      limit,
      Effect.flatMap(client.start(request), (active) => Effect.flip(active.result))
    )
    assert.isTrue(Option.isNone(yield* client.file(request.path ?? "/out/file")))
    return error
  })

/** Everything that a client lent for its pieces came back. */
export const expectNoBufferLent = (client: World.TestClient) => {
  const pool = Context.get(client.services, BufferPool.BufferPool)
  assert.strictEqual(pool.available(), pool.capacity, "all buffers are back")
}
