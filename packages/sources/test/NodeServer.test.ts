/** The client and the origin against Node's own HTTP server, over loopback. */
import { assert, describe, it } from "@effect/vitest"
import { standard, type PieceIndex } from "@piecework/domain/PieceLayout"
import type { BufferPool, PieceBuffer } from "@piecework/hashing/BufferPool"
import { Effect, type Scope } from "effect"
import { readFileSync } from "node:fs"
import { createServer, type RequestListener } from "node:http"
import * as Https from "node:https"
import { HttpClient } from "../src/HttpClient.ts"
import * as Origin from "../src/Origin.ts"
import { get, listening, liveLayer, pattern, readAll, text, url } from "./support.ts"

const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url), "utf8")
const certificate = fixture("localhost.crt")
const content = pattern(5 * 1_048_576 + 77)

/** Sends `content` or a part of it; `/chunked` says no length, `/slow` sends in bits, `/gone` is not there. */
const files: RequestListener = (request, response) => {
  if (request.url === "/gone") return response.writeHead(404).end("not here")
  if (request.url === "/to-file") return response.writeHead(302, { Location: "/file" }).end()
  const match = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "")
  const start = Number(match?.[1] ?? 0)
  const end = match?.[2] ? Number(match[2]) : content.length - 1
  const body = content.subarray(start, end + 1)
  if (match !== null) response.setHeader("Content-Range", `bytes ${start}-${end}/${content.length}`)
  if (request.url !== "/chunked") response.setHeader("Content-Length", body.length)
  response.writeHead(match === null ? 200 : 206)
  if (request.url === "/file") return response.end(body)
  for (let at = 0; at < body.length; at += 50_021) response.write(body.subarray(at, at + 50_021))
  return response.end()
}

const test = (
  sentence: string,
  body: (port: number) => Effect.Effect<void, unknown, HttpClient | BufferPool | Scope.Scope>
) =>
  it.live(sentence, () =>
    Effect.flatMap(listening(createServer(files)), body).pipe(Effect.provide(liveLayer()), Effect.scoped)
  )

describe("with Node's server", () => {
  for (const path of ["/file", "/chunked", "/slow"]) {
    test(`reads all of ${path}, over one connection`, (port) =>
      Effect.gen(function* () {
        for (let i = 0; i < 3; i++) {
          const response = yield* get({ url: url(path, `http://127.0.0.1:${port}`) })
          assert.strictEqual(Buffer.compare(yield* readAll(response, 1 << 20), content), 0)
        }
      }))
  }

  test("fetches runs of pieces at the same time, each with the right bytes", (port) =>
    Effect.gen(function* () {
      const layout = standard(content.length)
      const origin = yield* Origin.make(url("/to-file", `http://localhost:${port}`))
      const whole = new Uint8Array(content.length)
      const deliver = (piece: PieceIndex, buffer: PieceBuffer) =>
        Effect.sync(() => {
          const { offset, length } = layout.span(piece)
          whole.set(buffer.bytes.subarray(0, length), offset)
          buffer.release()
        })
      const runs = [
        [0, 2],
        [2, 1],
        [3, 3]
      ].map(([first, count]) => ({ first: first as PieceIndex, count: count ?? 0 }))
      yield* Effect.forEach(runs, (run) => origin.fetch(run, layout, deliver), { concurrency: 3 })
      assert.strictEqual(Buffer.compare(whole, content), 0)
      assert.strictEqual(origin.received(), content.length)
    }))

  test("passes an answer on that says the file is not there", (port) =>
    Effect.gen(function* () {
      const response = yield* get({ url: url("/gone", `http://127.0.0.1:${port}`) })
      assert.deepStrictEqual([response.status, (yield* readAll(response)).toString()], [404, "not here"])
      const origin = yield* Origin.make(url("/gone", `http://127.0.0.1:${port}`))
      const error = yield* Effect.flip(origin.probe())
      assert.include(error.message, "does not have this file")
    }))

  it.live("reads over TLS, and not from a server that nobody vouches for", () =>
    Effect.gen(function* () {
      const server = Https.createServer({ cert: certificate, key: fixture("localhost.key") }, files)
      const address = url("/file", `https://localhost:${yield* listening(server)}`)
      const bytes = yield* Effect.flatMap(get({ url: address }), (response) => readAll(response, 1 << 20)).pipe(
        Effect.provide(liveLayer({ certificates: [certificate] }))
      )
      assert.strictEqual(Buffer.compare(bytes, content), 0)
      const error = yield* Effect.flip(text({ url: address })).pipe(Effect.provide(liveLayer()))
      assert.strictEqual(error.reason, "TlsFailed")
    }).pipe(Effect.scoped)
  )
})
