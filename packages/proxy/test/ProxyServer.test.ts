import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Contents } from "../src/Contents.ts"
import * as Scene from "./Scene.ts"

const bytes = Scene.bytesOf(200_000)
const lastModified = "Sat, 01 Aug 2026 10:00:00 GMT"

/** A server that has the file, with ranges, as most have. */
const file = Scene.origin((request, response) => {
  const isPart = request.headers.range === "bytes=0-0"
  response.setHeader("ETag", '"of-the-origin"').setHeader("Last-Modified", lastModified)
  response.setHeader("Content-Type", "application/x-debian-package")
  if (isPart) response.writeHead(206, { "Content-Range": `bytes 0-0/${bytes.length}`, "Content-Length": 1 })
  else response.writeHead(200, { "Content-Length": bytes.length })
  response.end(isPart ? bytes.subarray(0, 1) : bytes)
})

const knowing = (...urls: ReadonlyArray<string>) =>
  Contents.layerMemory(new Map(urls.map((url) => [url, { contentId: Scene.idOf("a"), bytes }])))

describe("A proxy", () => {
  it.live("answers for a content that is known, with what its origin says of it, and fetches one byte from there", () =>
    Effect.gen(function* () {
      const origin = yield* file
      const url = `http://127.0.0.1:${origin.port}/a.deb`
      const port = yield* Scene.proxy(knowing(url))
      const got = yield* Scene.ask(port, url)
      assert.strictEqual(got.status, 200)
      assert.isTrue(got.body.equals(bytes))
      assert.strictEqual(got.headers.etag, '"of-the-origin"')
      assert.strictEqual(got.headers["last-modified"], lastModified)
      assert.strictEqual(got.headers["content-type"], "application/x-debian-package")
      assert.strictEqual(got.headers["content-length"], String(bytes.length))
      assert.strictEqual(got.headers["accept-ranges"], "bytes")
      assert.deepStrictEqual(origin.asked, ["GET /a.deb"])
    }).pipe(Effect.scoped)
  )

  it.live("passes through what nobody knows", () =>
    Effect.gen(function* () {
      const origin = yield* file
      const port = yield* Scene.proxy(Contents.layerNone)
      const got = yield* Scene.ask(port, `http://127.0.0.1:${origin.port}/a.deb?x=1`)
      assert.strictEqual(got.status, 200)
      assert.isTrue(got.body.equals(bytes))
      assert.deepStrictEqual(origin.asked, ["GET /a.deb?x=1"])
    }).pipe(Effect.scoped)
  )
})
