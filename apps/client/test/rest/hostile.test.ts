/** Origins that misbehave, on real sockets: which number and state a job ends in, and what repairs it. */
import { randomBytes } from "node:crypto"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Origins from "./origins.ts"
import * as Site from "./site.ts"

const mebi = 1_048_576
const bytes = randomBytes(3 * mebi + 77)

/** The file of the job is there, whole, and no other. */
const isThere = (root: string, expected: Uint8Array, name = "file") => {
  assert.isTrue(readFileSync(join(root, name)).equals(expected))
  assert.deepStrictEqual(
    readdirSync(root).filter((one) => one.startsWith(".piecework")),
    []
  )
}

describe.concurrent("A job whose origin", () => {
  it.live("ignores ranges and breaks off ends with the file", () =>
    Effect.gen(function* () {
      const site = yield* Site.make()
      const [before, after] = [{ ignoresRanges: true, cutAfter: 2 * mebi }, { ignoresRanges: true }]
      const origin = yield* Origins.turning(3 * mebi, Origins.file(bytes, before), Origins.file(bytes, after))
      const id = yield* site.started(origin.url, "file")
      assert.deepInclude(yield* site.until(id, Site.isTransferred), { ErrorCode: "0", ExtendedErrorCode: "0" })
      isThere(site.root, bytes)
    })
  )

  it.live("resets connections ends with the file once it does so no more", () =>
    Effect.gen(function* () {
      const site = yield* Site.make()
      const before = Origins.file(bytes, { resetAfter: mebi })
      const origin = yield* Origins.turning(2 * mebi, before, Origins.file(bytes))
      const id = yield* site.started(origin.url, "file")
      assert.deepInclude(yield* site.until(id, Site.isTransferred), { ErrorCode: "0", ExtendedErrorCode: "0" })
      isThere(site.root, bytes)
    })
  )

  it.live("breaks off again and again ends with the file, and hardly any byte is sent twice", () =>
    Effect.gen(function* () {
      const site = yield* Site.make()
      const origin = yield* Origins.make(Origins.file(bytes, { cutAfter: mebi + 5 }))
      const id = yield* site.started(origin.url, "file")
      yield* site.until(id, Site.isTransferred)
      isThere(site.root, bytes)
      assert.isBelow(origin.sent(), 2 * bytes.length)
    })
  )

  it.live("sends less than it says is asked again, and a file that is shorter than it was is begun anew", () =>
    Effect.gen(function* () {
      const site = yield* Site.make()
      const short = bytes.subarray(0, 1.5 * mebi)
      const origin = yield* Origins.turning(2 * mebi, Origins.file(bytes, { cutAfter: mebi }), Origins.file(short))
      const id = yield* site.started(origin.url, "file")
      yield* site.until(id, Site.isTransferred)
      isThere(site.root, short)
    })
  )

  it.live("sends more than it says gets no byte of that into the file", () =>
    Effect.gen(function* () {
      const site = yield* Site.make()
      const more = randomBytes(50_000)
      const origin = yield* Origins.make((asked, reply) => {
        Origins.file(bytes)(asked, reply)
        reply.body(more)
        reply.end()
      })
      const id = yield* site.started(origin.url, "file")
      yield* site.until(id, Site.isTransferred)
      isThere(site.root, bytes)
    })
  )

  it.live("says that its file is longer than what comes is paused, and repaired by another URL", () =>
    Effect.gen(function* () {
      const site = yield* Site.make()
      const origin = yield* Origins.make((_, reply) => {
        reply.head(200, [`Content-Length: ${bytes.length * 2}`])
        reply.body(bytes)
        reply.end()
      })
      const good = yield* Origins.make(Origins.file(bytes))
      const id = yield* site.started(origin.url, "file")
      // It is asked again and again: what it says may come true.
      yield* site.until(
        id,
        ({ ExtendedErrorCode }) => Site.hex(ExtendedErrorCode) !== "0x00000000" || origin.requests().length > 1
      )
      yield* site.post("pause", { Id: id })
      yield* site.post("setproperty", { Id: id, Uri: good.url })
      yield* site.post("start", { Id: id })
      yield* site.until(id, Site.isTransferred)
      isThere(site.root, bytes)
    })
  )

  it.live("has another file in the middle never gives a mixture", () =>
    Effect.gen(function* () {
      const site = yield* Site.make()
      const other = randomBytes(bytes.length)
      const before = Origins.file(bytes, { cutAfter: mebi })
      const origin = yield* Origins.turning(2 * mebi, before, Origins.file(other, { etag: '"v2"' }))
      const id = yield* site.started(origin.url, "file")
      yield* site.until(id, Site.isTransferred)
      isThere(site.root, other)
    })
  )

  it.live("has another file each time is paused, and goes on once it has made up its mind", () =>
    Effect.gen(function* () {
      const site = yield* Site.make()
      let version = 0
      const origin = yield* Origins.make((asked, reply) =>
        Origins.file(randomBytes(bytes.length), { etag: `"${version++}"`, cutAfter: mebi })(asked, reply)
      )
      const id = yield* site.started(origin.url, "file")
      const status = yield* site.until(id, Site.isPaused)
      assert.strictEqual(Site.hex(status.ErrorCode), "0x80D06804")
      assert.isFalse(existsSync(join(site.root, "file")))
      origin.answer(Origins.file(bytes))
      yield* site.post("start", { Id: id })
      yield* site.until(id, Site.isTransferred)
      isThere(site.root, bytes)
    })
  )

  it.live("stalls is asked again once nothing came for long enough, and only for the rest", () =>
    Effect.gen(function* () {
      const site = yield* Site.make({ patience: 300 })
      const origin = yield* Origins.make(Origins.file(bytes, { stallAfter: 2 * mebi }))
      const id = yield* site.started(origin.url, "file")
      yield* site.until(id, Site.isTransferred)
      isThere(site.root, bytes)
      assert.isAbove(origin.requests().at(-1)?.from ?? 0, mebi)
    })
  )

  it.live("redirects to itself for ever pauses it at once, and another URL repairs it", () =>
    Effect.gen(function* () {
      const site = yield* Site.make()
      const origin = yield* Origins.make(Origins.status(302, ["Location: /file.bin"]))
      const good = yield* Origins.make(Origins.file(bytes))
      const id = yield* site.started(origin.url, "file")
      const status = yield* site.until(id, Site.isPaused)
      assert.strictEqual(Site.hex(status.ErrorCode), "0x80072F7C")
      yield* site.post("setproperty", { Id: id, Uri: good.url })
      yield* site.post("start", { Id: id })
      yield* site.until(id, Site.isTransferred)
      isThere(site.root, bytes)
    })
  )

  it.live("answers with nonsense is asked again, and the caller hears of it meanwhile", () =>
    Effect.gen(function* () {
      const site = yield* Site.make()
      const origin = yield* Origins.make((_, reply) => {
        reply.body(Buffer.from("SMTP ready\r\n\r\n"))
        reply.end()
      })
      const id = yield* site.started(origin.url, "file")
      yield* site.until(id, ({ ExtendedErrorCode }) => Site.hex(ExtendedErrorCode) === "0x80072F78")
      origin.answer(Origins.file(bytes))
      assert.deepInclude(yield* site.until(id, Site.isTransferred), { ExtendedErrorCode: "0" })
      isThere(site.root, bytes)
    })
  )
})
