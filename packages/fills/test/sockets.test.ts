/** The engine over real sockets: bytes while they arrive, resets, and many readers that are slow. */
import { assert, it } from "@effect/vitest"
import { ContentUrl } from "@piecework/domain/ContentUrl"
import { Objects } from "@piecework/objects/Objects"
import { HttpClient } from "@piecework/sources/HttpClient"
import * as HttpClientConfig from "@piecework/sources/HttpClientConfig"
import { Transport } from "@piecework/transport/Transport"
import { Deferred, Effect, Layer, Stream } from "effect"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { Fills } from "../src/Fills.ts"
import * as FillsConfig from "../src/FillsConfig.ts"
import { Upstreams } from "../src/Upstreams.ts"
import { client, isSame, MiB, openFile, pattern, read } from "./support.ts"

const bytes = pattern(8 * MiB + 77)

const live = (fills?: Partial<FillsConfig.FillsConfig["Service"]>) =>
  Fills.layer.pipe(
    Layer.provide(HttpClient.layer),
    Layer.provide([HttpClientConfig.layer(), FillsConfig.layer(fills), Upstreams.layerOrigin, Transport.layer]),
    Layer.provideMerge(Objects.layerMemory)
  )

/** Where a server answers on loopback, until the scope closes. */
const serving = (answer: (request: IncomingMessage, response: ServerResponse) => void) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<{ readonly close: () => void; readonly port: number }>((resume) => {
        const server = createServer(answer)
        server.listen(0, "127.0.0.1", () => {
          const address = server.address()
          const port = typeof address === "object" && address !== null ? address.port : 0
          const close = () => {
            server.close()
            server.closeAllConnections()
          }
          resume(Effect.succeed({ close, port }))
        })
      }),
      ({ close }) => Effect.sync(close)
    ),
    ({ port }) => ContentUrl.make(`http://127.0.0.1:${port}/file`)
  )

const rangeOf = (request: IncomingMessage): number =>
  Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0)

const begin = (request: IncomingMessage, response: ServerResponse): number => {
  const start = rangeOf(request)
  const length = bytes.length - start
  const range = { "Content-Range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` }
  response.writeHead(start === 0 ? 200 : 206, {
    ETag: '"1"',
    "Content-Length": length,
    ...(start === 0 ? {} : range)
  })
  return start
}

it.live("hands bytes on before the origin has sent the next ones", () =>
  Effect.gen(function* () {
    const read100 = yield* Deferred.make<void>()
    const url = yield* serving((request, response) => {
      begin(request, response)
      response.write(bytes.subarray(0, 100))
      // The rest comes once the first bytes are with the client, so whoever holds them back waits for ever.
      Effect.runFork(
        Effect.andThen(
          Deferred.await(read100),
          Effect.sync(() => response.end(bytes.subarray(100)))
        )
      )
    })
    const file = yield* openFile({ url })
    let at = 0
    yield* Stream.runForEach(file.read({ offset: 0, length: bytes.length }), (got) => {
      assert.isTrue(isSame(got, bytes, at, got.length))
      at += got.length
      return at >= 100 ? Deferred.succeed(read100, undefined) : Effect.void
    })
    assert.strictEqual(at, bytes.length)
  }).pipe(Effect.provide(live()), Effect.scoped)
)

it.live("goes on after resets, with ten readers that see nothing of them", () =>
  Effect.gen(function* () {
    let requests = 0
    let sent = 0
    const url = yield* serving((request, response) => {
      const start = begin(request, response)
      const isBreaking = requests++ < 3
      const part = bytes.subarray(start, isBreaking ? start + 2 * MiB : undefined)
      sent += part.length
      if (isBreaking) response.write(part, () => response.socket?.resetAndDestroy())
      else response.end(part)
    })
    const all = yield* Effect.all(
      Array.from({ length: 10 }, () => client({ url })),
      { concurrency: "unbounded" }
    )
    for (const one of all) assert.isTrue(isSame(one.bytes, bytes))
    assert.strictEqual(requests, 4)
    // A reset may take bytes with it that were on their way.
    assert.isAtMost(sent, bytes.length + 3 * 2 * MiB)
  }).pipe(Effect.provide(live()), Effect.scoped)
)

it.live("keeps a thousand readers that stand still within its memory, and serves the next one", () =>
  Effect.gen(function* () {
    const url = yield* serving((request, response) => {
      response.end(bytes.subarray(begin(request, response)))
    })
    yield* client({ url })
    const chunks = new Set<ArrayBufferLike>()
    yield* Effect.all(
      Array.from({ length: 1000 }, (_, i) =>
        Effect.gen(function* () {
          const file = yield* openFile({ url })
          const offset = (i * 7919) % (6 * MiB)
          const pull = yield* Stream.toPull(file.read({ offset, length: bytes.length - offset }))
          const [got] = yield* pull
          assert.isTrue(isSame(got, bytes, offset, got.length))
          chunks.add(got.buffer)
        })
      ),
      { concurrency: "unbounded" }
    )
    const memory = Array.from(chunks).reduce((sum, { byteLength }) => sum + byteLength, 0)
    assert.isAtMost(memory, 16 * MiB + 1000 * 16_384)
    const file = yield* openFile({ url })
    assert.isTrue(isSame(yield* read(file), bytes))
  }).pipe(Effect.provide(live({ readMemory: 16 * MiB })), Effect.scoped)
)
