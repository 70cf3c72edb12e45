import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import { ContentUrl } from "@piecework/domain"
import { PieceHasher } from "@piecework/hashing"
import { HttpClient, HttpClientConfig } from "@piecework/sources"
import { Transport } from "@piecework/transport"
import { createHash } from "node:crypto"
import { Effect, Layer, Result } from "effect"
import * as UrlHasher from "../src/UrlHasher.ts"

type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** An origin that answers as the test says, on a free port. */
const origin = (handler: Handler) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly url: ContentUrl.ContentUrl; readonly close: () => void }>((resume) => {
      const server = createServer(handler)
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        const url = Result.getOrThrow(ContentUrl.parse(`http://127.0.0.1:${port}/a.bin`))
        resume(Effect.succeed({ url, close: () => (server.closeAllConnections(), server.close()) }))
      })
    }),
    ({ close }) => Effect.sync(close)
  )

const services = Layer.merge(
  PieceHasher.PieceHasher.layerMemory,
  HttpClient.HttpClient.layer.pipe(Layer.provide(HttpClientConfig.layer()), Layer.provide(Transport.Transport.layer))
)

const bytes = Buffer.alloc(2_500_000, "abcdefghijklm")

interface Looks {
  readonly body?: Buffer
  readonly headers?: Record<string, string>
  readonly ranges?: boolean
  readonly status?: number
}

/** Answers the nth request with what `look` says of it. */
const serving = (look: (n: number) => Looks): Handler =>
  (() => {
    let n = 0
    return (request: IncomingMessage, response: ServerResponse) => {
      const { body = bytes, headers = { etag: '"one"' }, ranges = true, status = 200 } = look(n++)
      if (status !== 200) return response.writeHead(status).end()
      if (ranges && request.headers.range === "bytes=0-0" && body.length > 0) {
        const placed = { ...headers, "content-range": `bytes 0-0/${body.length}` }
        return response.writeHead(206, placed).end(body.subarray(0, 1))
      }
      return response.writeHead(200, { ...headers, "content-length": body.length }).end(body)
    }
  })()

const failing = (look: (n: number) => Looks, options?: UrlHasher.Options) =>
  Effect.gen(function* () {
    const { url } = yield* origin(serving(look))
    return yield* Effect.flip(UrlHasher.hash(url, options))
  }).pipe(Effect.scoped, Effect.provide(services))

describe("A content at a URL", () => {
  for (const ranges of [true, false]) {
    it.live(`has the hashes of its pieces, from an origin ${ranges ? "with" : "without"} ranges`, () =>
      Effect.gen(function* () {
        const { url } = yield* origin(serving(() => ({ ranges })))
        const seen: Array<readonly [number, number | undefined]> = []
        const { phf, validators } = yield* UrlHasher.hash(url, {
          onProgress: (hashed, total) => seen.push([hashed, total])
        })
        assert.strictEqual(phf.layout.contentSize, bytes.length)
        const pieces = [0, 1, 2].map((n) => bytes.subarray(n * 1_048_576, (n + 1) * 1_048_576))
        const expected = Buffer.concat(pieces.map((piece) => createHash("sha256").update(piece).digest()))
        assert.strictEqual(Buffer.from(phf.digests).toString("hex"), expected.toString("hex"))
        assert.deepStrictEqual(validators, { etag: '"one"', lastModified: undefined })
        assert.deepStrictEqual(seen.at(-1), [bytes.length, bytes.length])
      }).pipe(Effect.provide(services))
    )
  }

  it.live("may come in chunks, or be empty, or fill its last piece", () =>
    Effect.gen(function* () {
      const chunked = yield* origin((_, response) => {
        response.writeHead(200)
        response.write(bytes.subarray(0, 1_500_000))
        response.end(bytes.subarray(1_500_000))
      })
      assert.strictEqual((yield* UrlHasher.hash(chunked.url)).phf.layout.contentSize, bytes.length)
      const empty = yield* origin(serving(() => ({ body: Buffer.alloc(0) })))
      assert.strictEqual((yield* UrlHasher.hash(empty.url)).phf.layout.pieceCount, 0)
      const full = yield* origin(serving(() => ({ body: Buffer.alloc(2_097_152) })))
      assert.strictEqual((yield* UrlHasher.hash(full.url)).phf.layout.pieceCount, 2)
    }).pipe(Effect.provide(services))
  )

  it.live("is not believed when it is another one after it was read", () =>
    Effect.gen(function* () {
      const etag = yield* failing((n) => ({ headers: { etag: `"${n}"` } }))
      assert.strictEqual(etag.reason, "Changed")
      const date = yield* failing((n) => ({ headers: { "last-modified": `Sat, 21 Nov 2026 13:00:0${n} GMT` } }))
      assert.strictEqual(date.reason, "Changed")
      const gone = yield* failing((n) => ({ status: n === 0 ? 200 : 404 }))
      assert.strictEqual(gone.reason, "Changed")
      const grown = yield* failing((n) => ({ headers: {}, body: n === 0 ? bytes : Buffer.concat([bytes, bytes]) }))
      assert.strictEqual(grown.reason, "WrongLength")
    })
  )

  it.live("is not read when the origin does not give it, breaks off or has more than is allowed", () =>
    Effect.gen(function* () {
      const missing = yield* failing(() => ({ status: 404 }))
      assert.deepStrictEqual([missing.reason, missing.status], ["Refused", 404])
      const large = yield* failing(() => ({}), { maxBytes: 1_000_000 })
      assert.strictEqual(large.reason, "TooLarge")
      const broken = yield* Effect.flatMap(
        origin((_, response) => {
          response.writeHead(200, { "content-length": bytes.length })
          response.write(bytes.subarray(0, 1_500_000), () => response.destroy())
        }),
        ({ url }) => Effect.flip(UrlHasher.hash(url))
      ).pipe(Effect.scoped, Effect.provide(services))
      assert.strictEqual(broken.reason, "Unreachable")
      const endless = yield* Effect.flatMap(
        origin((_, response) => {
          response.writeHead(200)
          const more = (): void => void response.write(bytes, () => response.destroyed || more())
          more()
        }),
        ({ url }) => Effect.flip(UrlHasher.hash(url, { maxBytes: 8_000_000 }))
      ).pipe(Effect.scoped, Effect.provide(services))
      assert.strictEqual(endless.reason, "TooLarge")
    })
  )

  it.live("is not asked for at a link-local address, nor where its origin leads to one", () =>
    Effect.gen(function* () {
      const metadata = "http://169.254.169.254/latest/meta-data"
      const given = yield* Effect.flip(UrlHasher.hash(Result.getOrThrow(ContentUrl.parse(metadata))))
      assert.strictEqual(given.reason, "Forbidden")
      assert.strictEqual(
        given.message,
        `${metadata} is at a link-local address, or at that of a cloud's metadata service, which is never read.`
      )
      const { url } = yield* origin((_, response) => response.writeHead(302, { location: metadata }).end())
      const led = yield* Effect.flip(UrlHasher.hash(url))
      assert.strictEqual(led.reason, "Forbidden")
      assert.strictEqual(
        led.message,
        `${url} redirects to 169.254.169.254, which is at a link-local address or on this machine and is not read.`
      )
      const known = { validators: { etag: '"one"', lastModified: undefined }, size: 1 }
      assert.strictEqual((yield* Effect.flip(UrlHasher.look(url, known))).reason, "Forbidden")
    }).pipe(Effect.provide(services))
  )

  it.live("may be on this machine, where one address leads to another", () =>
    Effect.gen(function* () {
      const there = yield* origin(serving(() => ({})))
      const { url } = yield* origin((_, response) => response.writeHead(302, { location: there.url }).end())
      assert.strictEqual((yield* UrlHasher.hash(url)).phf.layout.contentSize, bytes.length)
    }).pipe(Effect.provide(services))
  )
})
