/** Jobs that want parts of a file, on real sockets. */
import { createHash, randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { World } from "@piecework/testkit"
import { Effect } from "effect"
import * as Origins from "./origins.ts"
import * as Site from "./site.ts"

const mebi = 1_048_576
const bytes = randomBytes(8 * mebi + 77)
const hashes = World.hashesOf(bytes, mebi)

/** From the second piece into the fifth, and the end. */
const ranges = `${mebi + 5}-${3 * mebi},${8 * mebi}-`
const wanted = Buffer.concat([bytes.subarray(mebi + 5, 4 * mebi + 5), bytes.subarray(8 * mebi)])

const hashed = (url: string) => ({
  IntegrityCheckInfo: JSON.stringify({
    PiecesHashFileUrl: url,
    PiecesHashFileDigest: createHash("sha256").update(hashes).digest("hex")
  }),
  IntegrityCheckMandatory: "true"
})

describe.concurrent("A job for parts of a file", () => {
  for (const [how, options, isHashed] of [
    ["checked by hashes", {}, true],
    ["that nobody vouches for", {}, false],
    ["from an origin that ignores ranges", { ignoresRanges: true }, false]
  ] as const) {
    it.live(`${how} is paused, resumed and ends with these bytes`, () =>
      Effect.gen(function* () {
        const site = yield* Site.make()
        const own = yield* Origins.make(Origins.file(hashes))
        const origin = yield* Origins.make(Origins.file(bytes, { ...options, stallAfter: mebi / 2 }))
        const id = yield* site.create({
          Uri: origin.url,
          DownloadFilePath: join(site.root, "file"),
          ...(isHashed ? hashed(own.url) : {})
        })
        assert.strictEqual((yield* site.post("start", { Id: id, Ranges: ranges }))[0], 200)
        yield* site.until(id, ({ BytesTotal }) => Number(BytesTotal) === wanted.length)
        yield* site.post("pause", { Id: id })
        assert.isTrue(Site.isPaused(yield* site.status(id)))
        origin.answer(Origins.file(bytes, options))
        assert.strictEqual((yield* site.post("start", { Id: id, Ranges: ranges }))[1], '{ "ErrorCode": -2133843453 }')
        yield* site.post("start", { Id: id })
        assert.deepInclude(yield* site.until(id, Site.isTransferred), {
          BytesTotal: String(wanted.length),
          BytesTransferred: String(wanted.length)
        })
        assert.isTrue(readFileSync(join(site.root, "file")).equals(wanted))
        const whole = "ignoresRanges" in options
        if (!whole) assert.isBelow(origin.sent(), bytes.length)
      })
    )
  }

  it.live("that lie behind its end is paused with that", () =>
    Effect.gen(function* () {
      const site = yield* Site.make()
      const origin = yield* Origins.make(Origins.file(bytes))
      const id = yield* site.create({ Uri: origin.url, DownloadFilePath: join(site.root, "file") })
      yield* site.post("start", { Id: id, Ranges: `${8 * mebi}-100` })
      assert.strictEqual(Site.hex((yield* site.until(id, Site.isPaused)).ErrorCode), "0x80D05010")
    })
  )
})
