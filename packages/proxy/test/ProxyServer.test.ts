import { subscribe, unsubscribe } from "node:diagnostics_channel"
import { once } from "node:events"
import type { IncomingMessage } from "node:http"
import { connect } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Latch, Layer, Schedule, Stream } from "effect"
import { ContentError, Contents, type Knowledge } from "../src/Contents.ts"
import * as Scene from "./Scene.ts"
import { bytes, fileServer, lastModified } from "./Scene.ts"

const contentId = Scene.idOf("a")

const knowing = (url: string) => Contents.layerMemory(new Map([[url, { contentId, bytes }]]))

const known: Knowledge = { _tag: "Known", contentId, size: bytes.length }

/** One whose parts are told. */
const contentsOf = (service: Partial<Contents["Service"]>) =>
  Layer.succeed(Contents, {
    known: () => Effect.succeed(known),
    open: () =>
      Effect.succeed({
        size: bytes.length,
        read: ({ length, offset }) => Stream.make(bytes.subarray(offset, offset + length))
      }),
    ...service
  })

describe("A proxy, asked for a content that is known,", () => {
  it.live("sends it with what its origin says of it, and has one byte from there", () =>
    Effect.gen(function* () {
      const origin = yield* fileServer()
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
      assert.match(got.headers.via ?? "", /^1\.1 piecework-[0-9a-f]{8}$/)
      assert.deepStrictEqual(origin.asked, ["GET /a.deb bytes=0-0"])
    }).pipe(Effect.scoped)
  )

  it.live("sends parts of it, by either form of the URL", () =>
    Effect.gen(function* () {
      const origin = yield* fileServer()
      const url = `http://127.0.0.1:${origin.port}/a.deb`
      const port = yield* Scene.proxy(knowing(url))
      for (const path of [url, `/${url}`]) {
        const got = yield* Scene.ask(port, path, { headers: { Range: "bytes=70000-150000" } })
        assert.deepStrictEqual([got.status, got.headers["content-range"]], [206, "bytes 70000-150000/200000"])
        assert.isTrue(got.body.equals(bytes.subarray(70_000, 150_001)))
      }
      const beyond = yield* Scene.ask(port, url, { headers: { Range: "bytes=200000-" } })
      assert.deepStrictEqual([beyond.status, beyond.body.length], [416, 0])
      const same = yield* Scene.ask(port, url, { headers: { "If-None-Match": '"of-the-origin"' } })
      assert.deepStrictEqual([same.status, same.body.length], [304, 0])
      const head = yield* Scene.ask(port, url, { method: "HEAD" })
      assert.deepStrictEqual([head.status, head.headers["content-length"]], [200, "200000"])
      assert.isTrue(origin.asked.every((line) => line.endsWith("bytes=0-0")))
    }).pipe(Effect.scoped)
  )

  it.live("leaves several parts at once to its origin", () =>
    Effect.gen(function* () {
      const origin = yield* fileServer()
      const url = `http://127.0.0.1:${origin.port}/a.deb`
      const port = yield* Scene.proxy(knowing(url))
      yield* Scene.ask(port, url, { headers: { Range: "bytes=0-1,5-6" } })
      assert.deepStrictEqual(origin.asked, ["GET /a.deb bytes=0-1,5-6"])
    }).pipe(Effect.scoped)
  )

  it.live("sends it where its origin cannot be asked, with a version of its own", () =>
    Effect.gen(function* () {
      // A port that nobody listens on any more.
      const { port: gone } = yield* Effect.scoped(fileServer())
      const url = `http://127.0.0.1:${gone}/a.deb`
      const port = yield* Scene.proxy(knowing(url))
      const got = yield* Scene.ask(port, url)
      assert.deepStrictEqual([got.status, got.headers.etag], [200, `"${contentId}"`])
      assert.isTrue(got.body.equals(bytes))
    }).pipe(Effect.scoped)
  )

  it.live("passes on what its origin has now where that is something else", () =>
    Effect.gen(function* () {
      const origin = yield* fileServer({ "X-New": "1" }, bytes.length + 1)
      const url = `http://127.0.0.1:${origin.port}/a.deb`
      const port = yield* Scene.proxy(knowing(url))
      for (const _ of [1, 2]) assert.strictEqual((yield* Scene.ask(port, url)).headers["x-new"], "1")
      // It is remembered for a while.
      assert.deepStrictEqual(origin.asked, ["GET /a.deb bytes=0-0", "GET /a.deb", "GET /a.deb"])
    }).pipe(Effect.scoped)
  )

  it.live("sends it to who shows credentials only if its origin gives the same to everybody", () =>
    Effect.gen(function* () {
      const asking = { headers: { Authorization: "Bearer x" } }
      const open = yield* fileServer()
      const url = `http://127.0.0.1:${open.port}/a.deb`
      const port = yield* Scene.proxy(knowing(url))
      assert.isTrue((yield* Scene.ask(port, url, asking)).body.equals(bytes))
      assert.deepStrictEqual(open.asked, ["GET /a.deb bytes=0-0"])

      const own = yield* fileServer({ "Cache-Control": "max-age=60, private" })
      const ownUrl = `http://127.0.0.1:${own.port}/a.deb`
      const other = yield* Scene.proxy(knowing(ownUrl))
      yield* Scene.ask(other, ownUrl, asking)
      assert.deepStrictEqual(own.asked, ["GET /a.deb bytes=0-0", "GET /a.deb"])
    }).pipe(Effect.scoped)
  )

  it.live("says so when its operator wants nobody to have it", () =>
    Effect.gen(function* () {
      const origin = yield* fileServer()
      const port = yield* Scene.proxy(contentsOf({ known: () => Effect.succeed({ _tag: "Halted" }) }))
      const got = yield* Scene.ask(port, `http://127.0.0.1:${origin.port}/a.deb`)
      assert.deepStrictEqual([got.status, origin.asked.length], [403, 0])
      assert.include(got.body.toString(), "halted")
    }).pipe(Effect.scoped)
  )

  it.live("cuts the connection when the rest of it cannot be had, so that nobody takes half for the whole", () =>
    Effect.gen(function* () {
      const origin = yield* fileServer()
      const url = `http://127.0.0.1:${origin.port}/a.deb`
      const broken = Stream.concat(
        Stream.make(bytes.subarray(0, 1000)),
        Stream.fail(new ContentError({ url, reason: "Failed", detail: "no source" }))
      )
      const port = yield* Scene.proxy(
        contentsOf({ open: () => Effect.succeed({ size: bytes.length, read: () => broken }) })
      )
      assert.isTrue(Exit.isFailure(yield* Effect.exit(Scene.ask(port, url))))
    }).pipe(Effect.scoped)
  )

  it.live("stops reading when its client leaves", () =>
    Effect.gen(function* () {
      const origin = yield* fileServer()
      const ended = yield* Deferred.make<void>()
      const endless = Stream.concat(Stream.make(bytes.subarray(0, 1000)), Stream.never).pipe(
        Stream.ensuring(Deferred.succeed(ended, undefined))
      )
      const port = yield* Scene.proxy(
        contentsOf({ open: () => Effect.succeed({ size: bytes.length, read: () => endless }) })
      )
      const client = connect(port, "127.0.0.1")
      client.write(`GET http://127.0.0.1:${origin.port}/a.deb HTTP/1.1\r\nHost: x\r\n\r\n`)
      yield* Effect.promise(() => once(client, "data"))
      client.destroy()
      yield* Deferred.await(ended)
    }).pipe(Effect.scoped)
  )

  it.live("opens it once for all who read it", () =>
    Effect.gen(function* () {
      const origin = yield* fileServer()
      const url = `http://127.0.0.1:${origin.port}/a.deb`
      let opened = 0
      const port = yield* Scene.proxy(
        contentsOf({
          open: () =>
            Effect.sync(() => {
              opened++
              return {
                size: bytes.length,
                read: ({ length, offset }) => Stream.make(bytes.subarray(offset, offset + length))
              }
            })
        })
      )
      yield* Effect.all([Scene.ask(port, url), Scene.ask(port, url), Scene.ask(port, url)], { concurrency: 3 })
      assert.strictEqual(opened, 1)
    }).pipe(Effect.scoped)
  )
})

describe("A proxy, while the service thinks,", () => {
  const slow = Effect.gen(function* () {
    const latch = yield* Latch.make(false)
    const contents = contentsOf({ known: () => Effect.as(latch.await, known) })
    return { latch, contents }
  })

  it.live("passes small files through", () =>
    Effect.gen(function* () {
      const { contents } = yield* slow
      const origin = yield* fileServer()
      const port = yield* Scene.proxy(contents, { minContentSize: 1_000_000, patience: 0 })
      assert.strictEqual((yield* Scene.ask(port, `http://127.0.0.1:${origin.port}/small`)).status, 200)
      assert.deepStrictEqual(origin.asked, ["GET /small"])
    }).pipe(Effect.scoped)
  )

  it.live("holds large ones back until it has said what they are", () =>
    Effect.gen(function* () {
      const { contents, latch } = yield* slow
      const origin = yield* fileServer({ "X-Passed": "1" })
      const port = yield* Scene.proxy(contents, { patience: 0, lookupTimeout: "1 hour" })
      const url = `http://127.0.0.1:${origin.port}/large`
      yield* Effect.forkScoped(
        Effect.sync(() => origin.asked.length > 0).pipe(
          Effect.repeat({ until: (isAsked) => isAsked, schedule: Schedule.spaced("5 millis") }),
          Effect.andThen(latch.open)
        )
      )
      const got = yield* Scene.ask(port, url)
      assert.isUndefined(got.headers["x-passed"])
      assert.isTrue(got.body.equals(bytes))
      assert.deepStrictEqual(origin.asked, ["GET /large", "GET /large bytes=0-0"])
    }).pipe(Effect.scoped)
  )

  it.live("asks again for one that breaks off meanwhile", () =>
    Effect.gen(function* () {
      let brokenOff = 0
      const note = (message: unknown) => {
        const { response } = message as { readonly response: IncomingMessage }
        response.once("close", () => (brokenOff += response.complete ? 0 : 1))
      }
      subscribe("http.client.response.finish", note)
      yield* Effect.addFinalizer(() => Effect.sync(() => unsubscribe("http.client.response.finish", note)))
      const noticed = Effect.sync(() => brokenOff > 0).pipe(
        Effect.repeat({ until: (isSo) => isSo, schedule: Schedule.spaced("5 millis") })
      )
      const contents = contentsOf({ known: () => Effect.as(noticed, { _tag: "Unknown" } as const) })
      let times = 0
      const origin = yield* Scene.origin((_, response) => {
        response.writeHead(200, { "Content-Length": bytes.length })
        if (++times > 1) response.end(bytes)
        else response.write(bytes.subarray(0, 10), () => response.destroy())
      })
      const port = yield* Scene.proxy(contents, { patience: 0, lookupTimeout: "1 hour" })
      const got = yield* Scene.ask(port, `http://127.0.0.1:${origin.port}/large`)
      assert.isTrue(got.body.equals(bytes))
      assert.strictEqual(times, 2)
    }).pipe(Effect.scoped)
  )

  it.live("passes them through when it takes too long", () =>
    Effect.gen(function* () {
      const { contents } = yield* slow
      const origin = yield* fileServer({ "X-Passed": "1" })
      const port = yield* Scene.proxy(contents, { patience: 0, lookupTimeout: 0 })
      const got = yield* Scene.ask(port, `http://127.0.0.1:${origin.port}/large`)
      assert.strictEqual(got.headers["x-passed"], "1")
      assert.isTrue(got.body.equals(bytes))
    }).pipe(Effect.scoped)
  )
})
