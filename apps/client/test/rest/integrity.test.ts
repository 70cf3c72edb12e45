/** Jobs whose callers say what the bytes have to be, and jobs whose URL changes in the middle, on real sockets. */
import { createHash, randomBytes } from "node:crypto"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { World } from "@piecework/testkit"
import { Effect } from "effect"
import * as Origins from "./origins.ts"
import * as Site from "./site.ts"

const mebi = 1_048_576
const bytes = randomBytes(6 * mebi + 77)
const phf = World.phfOf(bytes, mebi)
const hashes = World.hashesOf(bytes, mebi)
const digest = createHash("sha256").update(hashes).digest()
const hashOfHashes = Buffer.from(phf.hashOfHashes).toString("base64")

const info = (url: string, more: Readonly<Record<string, string>> = {}) => ({
  IntegrityCheckInfo: JSON.stringify({
    PiecesHashFileUrl: url,
    PiecesHashFileDigest: digest.toString("base64"),
    ...more
  })
})
const mandatory = { IntegrityCheckMandatory: "true" }

const isThere = (root: string) => assert.isTrue(readFileSync(join(root, "file")).equals(bytes))

describe.concurrent("A job that says where its hashes lie", () => {
  for (const [form, given] of [
    ["base64", {}],
    [
      "hexadecimal, with its algorithm",
      { PiecesHashFileDigest: digest.toString("hex").toUpperCase(), PiecesHashFileDigestAlgorithm: "SHA256" }
    ],
    ["base64, with the hash of hashes", { HashOfHashes: hashOfHashes }]
  ] as const) {
    it.live(`and their digest in ${form} gets these bytes`, () =>
      Effect.gen(function* () {
        const site = yield* Site.make()
        const origin = yield* Origins.make(Origins.file(bytes))
        const own = yield* Origins.make(Origins.file(hashes))
        const id = yield* site.started(origin.url, "file", { ...info(own.url, given), ...mandatory })
        yield* site.until(id, Site.isTransferred)
        isThere(site.root)
        assert.isAbove(own.requests().length, 0)
      })
    )
  }

  it.live("shows what it has for the server of the content to no other", () =>
    Effect.gen(function* () {
      const site = yield* Site.make()
      const origin = yield* Origins.make((asked, reply) =>
        asked.fields.some((field) => field.startsWith("Authorization:"))
          ? Origins.file(bytes)(asked, reply)
          : Origins.status(401, ['WWW-Authenticate: Basic realm="x"'])(asked, reply)
      )
      const own = yield* Origins.make(Origins.file(hashes))
      const id = yield* site.started(origin.url, "file", {
        ...info(own.url),
        ...mandatory,
        HttpCustomHeaders: "X-Token: secret1",
        HttpCustomAuthHeaders: "Authorization: Basic secret2"
      })
      yield* site.until(id, Site.isTransferred)
      isThere(site.root)
      assert.isAbove(own.requests().length, 0)
      assert.notInclude(JSON.stringify(own.requests()), "secret")
      assert.include(JSON.stringify(origin.requests()), "secret1")
    })
  )

  for (const mode of ["Lan", "Simple"] as const) {
    it.live(`never gets other bytes, however small they are, in mode ${mode}`, () =>
      Effect.gen(function* () {
        const site = yield* Site.make({ mode })
        const small = randomBytes(3000)
        const wrong = yield* Origins.make(Origins.file(randomBytes(3000)))
        const phfOfSmall = World.hashesOf(small, 1024)
        const own = yield* Origins.make(Origins.file(phfOfSmall))
        const PiecesHashFileDigest = createHash("sha256").update(phfOfSmall).digest("hex")
        const id = yield* site.started(wrong.url, "file", { ...info(own.url, { PiecesHashFileDigest }) })
        const status = yield* site.until(id, Site.isPaused)
        assert.strictEqual(Site.hex(status.ErrorCode), "0x80D06805")
        assert.isFalse(existsSync(join(site.root, "file")))
        const right = yield* Origins.make(Origins.file(small))
        yield* site.post("setproperty", { Id: id, Uri: right.url })
        yield* site.post("start", { Id: id })
        yield* site.until(id, Site.isTransferred)
        assert.isTrue(readFileSync(join(site.root, "file")).equals(small))
      })
    )
  }

  for (const [what, answer, extended] of [
    ["are not there", Origins.status(404), "0x00000000"],
    ["are others", Origins.file(World.hashesOf(randomBytes(5), 1024)), "0x80D06805"],
    ["are none", Origins.file(Buffer.from("not json")), "0x80D06809"],
    [
      "have an unknown version",
      Origins.file(Buffer.from(Buffer.from(hashes).toString().replace('"MajorVersion":1', '"MajorVersion":2'))),
      "0x80D0680A"
    ]
  ] as const) {
    it.live(`which ${what} is refused when the check is mandatory, and goes on when it is not`, () =>
      Effect.gen(function* () {
        const site = yield* Site.make()
        const origin = yield* Origins.make(Origins.file(bytes))
        const own = yield* Origins.make(answer)
        const id = yield* site.started(origin.url, "file", { ...info(own.url), ...mandatory })
        const status = yield* site.until(id, Site.isPaused)
        assert.deepStrictEqual([status.ErrorCode, status.ExtendedErrorCode].map(Site.hex), ["0x80D02017", extended])
        assert.isFalse(existsSync(join(site.root, "file")))
        const other = yield* site.started(origin.url, "file", info(own.url))
        yield* site.until(other, Site.isTransferred)
        isThere(site.root)
      })
    )
  }
})

/** Pauses with 404 once two pieces or so were sent; answers the job and what was held, which is a piece at least. */
const brokenOff = (site: Effect.Success<ReturnType<typeof Site.make>>, more: Readonly<Record<string, string>> = {}) =>
  Effect.gen(function* () {
    const part = Origins.file(bytes, { cutAfter: mebi + 10 })
    const first = yield* Origins.turning(2 * mebi, part, Origins.status(404))
    const id = yield* site.started(first.url, "file", more)
    const status = yield* site.until(id, Site.isPaused)
    assert.strictEqual(Site.hex(status.ErrorCode), "0x80190194")
    const held = Number(status.BytesTransferred)
    if (held < mebi) yield* site.post("abort", { Id: id })
    return { id, held }
    // What is on its way when the 404 comes may be lost.
  }).pipe(Effect.repeat({ until: ({ held }) => held >= mebi }))

const repaired = (site: Effect.Success<ReturnType<typeof Site.make>>, id: string, url: string) =>
  Effect.gen(function* () {
    yield* site.post("setproperty", { Id: id, Uri: url })
    yield* site.post("start", { Id: id })
    yield* site.until(id, Site.isTransferred)
    isThere(site.root)
  })

describe.concurrent("A job whose file is gone in the middle, repaired by another URL,", () => {
  it.live("fetches no piece again that matches its hashes", () =>
    Effect.gen(function* () {
      const site = yield* Site.make()
      const own = yield* Origins.make(Origins.file(hashes))
      const { held, id } = yield* brokenOff(site, info(own.url))
      const second = yield* Origins.make(Origins.file(bytes, { etag: '"other"' }))
      yield* repaired(site, id, second.url)
      assert.isAtMost(second.sent(), bytes.length - held + 1024)
    })
  )

  it.live("goes on where it was, when the file there has the same validator and length", () =>
    Effect.gen(function* () {
      const site = yield* Site.make()
      const { held, id } = yield* brokenOff(site)
      const second = yield* Origins.make(Origins.file(bytes))
      yield* repaired(site, id, second.url)
      // The first look at a file has 16 KiB.
      assert.isAtMost(second.sent(), bytes.length - held + 16_384)
    })
  )

  it.live("begins anew, when nothing says that it is the same file", () =>
    Effect.gen(function* () {
      const site = yield* Site.make()
      const { id } = yield* brokenOff(site)
      const second = yield* Origins.make(Origins.file(bytes, { etag: '"other"' }))
      yield* repaired(site, id, second.url)
      assert.isAtLeast(second.sent(), bytes.length)
    })
  )
})
