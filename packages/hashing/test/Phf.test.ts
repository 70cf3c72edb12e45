import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Digest, PieceLayout } from "@piecework/domain"
import { Phf } from "@piecework/hashing"
import { Result, Schema } from "effect"

const golden = (name: string) => new Uint8Array(readFileSync(join(import.meta.dirname, "fixtures", `${name}.phf`)))
const digestOf = (base64: string) => Digest.Digest.make(new Uint8Array(Buffer.from(base64, "base64")))
const bytesOf = (text: string) => new TextEncoder().encode(text)

/** The third vector, with some fields changed; `undefined` leaves one out. */
const changed = (fields: Readonly<Record<string, unknown>>) =>
  bytesOf(JSON.stringify({ ...JSON.parse(new TextDecoder().decode(golden("758544"))), ...fields }))

const refusal = (bytes: Uint8Array, options?: Phf.DecodeOptions) => {
  const { field, reason } = Result.getOrThrow(Result.flip(Phf.decode(bytes, options)))
  return field === undefined ? [reason] : [reason, field]
}

const valid = digestOf("e6bqe8Ms1Yt+BoPaWIeWCGrM+3Tvt6PlJen4AU0q1mM=")

describe("Phf", () => {
  // Source: spec.md §5.2.
  for (const [name, size, pieces, hashOfHashes] of [
    ["244530", 244_530, 1, "bLR+YkW147Gf10YSrQ6lgW3AC9E1aDesK3TaSr0DHJA="],
    ["4642818", 4_642_818, 5, "aGZA/I8Lc2F+ZsPzrXhTrcZaVte+PexJ5cOai52WjpQ="],
    ["758544", 758_544, 1, "8mCgqHVXNUyEZOGgpsbSCy52YRo0acscjDoPV591rys="]
  ] as const) {
    it(`reads Microsoft's file for ${size} bytes and writes the same bytes`, () => {
      const phf = Result.getOrThrow(Phf.decode(golden(name)))
      assert.strictEqual(phf.layout.contentSize, size)
      assert.strictEqual(phf.layout.pieceSize, 1_048_576)
      assert.strictEqual(phf.layout.pieceCount, pieces)
      assert.strictEqual(Digest.toBase64(phf.hashOfHashes), hashOfHashes)
      assert.deepStrictEqual(Phf.encode(phf), golden(name))
    })
  }

  it("has the 198 bytes whose digest Windows Update publishes", () => {
    const bytes = Phf.encode(Phf.make({ contentSize: 758_544, digests: valid }))
    assert.strictEqual(bytes.length, 198)
    assert.strictEqual(Digest.toBase64(Phf.fileDigest(bytes)), "xF5p1A9LiL1aEiYWHG7IxoBzYLH6fTxXC8TTtH3/7NM=")
  })

  it("names the content after the hash of hashes", () => {
    const { contentId } = Phf.make({ contentSize: 758_544, digests: valid })
    assert.strictEqual(contentId, "DO-8mCgqHVXNUyEZOGgpsbSCy52YRo0acscjDoPV591rys")
  })

  it("finds the digest of each piece", () => {
    const phf = Result.getOrThrow(Phf.decode(golden("4642818")))
    const found = [...phf.layout.indices()].map((piece) => Digest.toBase64(phf.digest(piece)).slice(0, 4))
    assert.deepStrictEqual(found, ["WXdd", "7ZyM", "kEye", "r1xS", "8rPN"])
  })

  it("describes an empty content by no pieces", () => {
    const phf = Phf.make({ contentSize: 0, digests: new Uint8Array(0) })
    const again = Result.getOrThrow(Phf.decode(Phf.encode(phf)))
    assert.strictEqual(again.contentId, phf.contentId)
    assert.strictEqual(again.layout.pieceCount, 0)
  })

  it("does not mind white space, another order, a byte order mark, escaped slashes and fields to come", () => {
    const object: unknown = JSON.parse(new TextDecoder().decode(golden("4642818")))
    assert.ok(typeof object === "object" && object !== null)
    const turned = Object.fromEntries(Object.entries({ ...object, Signature: { Key: [1, null] } }).toReversed())
    const text = `\uFEFF ${JSON.stringify(turned, null, 2).replaceAll("/", String.raw`\/`)}\n`
    const phf = Result.getOrThrow(Phf.decode(bytesOf(text)))
    assert.strictEqual(Digest.toBase64(phf.hashOfHashes), "aGZA/I8Lc2F+ZsPzrXhTrcZaVte+PexJ5cOai52WjpQ=")
  })

  it.prop(
    "reads back whatever it writes, and knows the length before",
    {
      pieces: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))).check(
        Schema.isMaxLength(40)
      ),
      pieceSize: Schema.Int.check(Schema.isBetween({ minimum: Phf.minPieceSize, maximum: Phf.maxPieceSize })),
      last: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: Phf.minPieceSize }))
    },
    ({ last, pieceSize, pieces }) => {
      const contentSize = pieces.length === 0 ? 0 : (pieces.length - 1) * pieceSize + last
      const digests = new Uint8Array(pieces.flatMap((byte) => Array.from({ length: 32 }, (_, n) => (byte * n) & 255)))
      const phf = Phf.make({ contentSize, pieceSize, digests })
      const bytes = Phf.encode(phf)
      assert.strictEqual(bytes.length, Phf.encodedLength(phf.layout))
      assert.deepStrictEqual(Result.getOrThrow(Phf.decode(bytes, { maxPieceSize: Phf.maxPieceSize })), phf)
    }
  )

  it("is a bug to make one whose numbers do not fit", () => {
    const digests = new Uint8Array(64)
    assert.throws(() => Phf.make({ contentSize: 1_048_576, digests }), RangeError)
    assert.throws(() => Phf.make({ contentSize: 2000, pieceSize: 1000, digests }), RangeError)
    assert.throws(() => Phf.make({ contentSize: 2 ** 25, pieceSize: 2 ** 24 + 1, digests }), RangeError)
    assert.throws(() => Phf.make({ contentSize: 2 ** 42, digests }), RangeError)
  })
})

describe("a malformed pieces hash file", () => {
  const zeros = `${"A".repeat(43)}=`
  const cases: ReadonlyArray<readonly [string, Uint8Array, ReadonlyArray<string>]> = [
    ["no bytes", new Uint8Array(0), ["NotJson"]],
    ["half a file", golden("758544").subarray(0, 100), ["NotJson"]],
    ["a web page", bytesOf("<!doctype html><title>Log in</title>"), ["NotJson"]],
    ["text that is not UTF-8", Uint8Array.of(0x22, 0xff, 0x22), ["NotJson"]],
    ["something behind the object", bytesOf("{}{}"), ["NotJson"]],
    ["a list", bytesOf("[]"), ["NotAnObject"]],
    ["null", bytesOf("null"), ["NotAnObject"]],
    ["a number", bytesOf("1"), ["NotAnObject"]],
    ["an empty object", bytesOf("{}"), ["BadField", "MajorVersion"]],
    ["a version in words", changed({ MajorVersion: "1" }), ["BadField", "MajorVersion"]],
    ["no minor version", changed({ MinorVersion: undefined }), ["BadField", "MinorVersion"]],
    ["a later major version", changed({ MajorVersion: 2 }), ["WrongVersion", "MajorVersion"]],
    ["a later minor version", changed({ MinorVersion: 1 }), ["WrongVersion", "MinorVersion"]],
    ["no length", changed({ ContentLength: undefined }), ["BadField", "ContentLength"]],
    ["a length in words", changed({ ContentLength: "758544" }), ["BadField", "ContentLength"]],
    ["a negative length", changed({ ContentLength: -1 }), ["BadContentLength", "ContentLength"]],
    ["half a byte", changed({ ContentLength: 0.5 }), ["BadContentLength", "ContentLength"]],
    ["a length past 2^53", changed({ ContentLength: 2 ** 53 }), ["BadContentLength", "ContentLength"]],
    ["no piece size", changed({ PieceSize: undefined }), ["BadField", "PieceSize"]],
    ["pieces of no bytes", changed({ PieceSize: 0 }), ["BadPieceSize", "PieceSize"]],
    ["pieces that are too short", changed({ PieceSize: 1023 }), ["BadPieceSize", "PieceSize"]],
    ["pieces longer than the buffers", changed({ PieceSize: 1_048_577 }), ["BadPieceSize", "PieceSize"]],
    ["pieces of half a byte", changed({ PieceSize: 1024.5 }), ["BadPieceSize", "PieceSize"]],
    ["no pieces", changed({ Pieces: undefined }), ["BadField", "Pieces"]],
    ["pieces that are no list", changed({ Pieces: { length: 1 } }), ["BadField", "Pieces"]],
    ["too few pieces", changed({ Pieces: [] }), ["BadPieceCount", "Pieces"]],
    ["too many pieces", changed({ Pieces: [zeros, zeros] }), ["BadPieceCount", "Pieces"]],
    ["a length that promises more pieces", changed({ ContentLength: 2 ** 52 }), ["BadPieceCount", "Pieces"]],
    ["a piece that is a number", changed({ Pieces: [1] }), ["BadField", "Pieces[0]"]],
    ["a digest that is too short", changed({ Pieces: [zeros.slice(4)] }), ["BadBase64", "Pieces[0]"]],
    ["a digest that is too long", changed({ Pieces: [`AAAA${zeros}`] }), ["BadBase64", "Pieces[0]"]],
    ["a digest of the URL alphabet", changed({ Pieces: [`-${zeros.slice(1)}`] }), ["BadBase64", "Pieces[0]"]],
    ["a digest with a line break", changed({ Pieces: [`${zeros}\n`] }), ["BadBase64", "Pieces[0]"]],
    ["a digest with spare bits", changed({ Pieces: [`${"A".repeat(42)}B=`] }), ["BadBase64", "Pieces[0]"]],
    ["no hash of hashes", changed({ HashOfHashes: undefined }), ["BadField", "HashOfHashes"]],
    ["a hash of hashes in hex", changed({ HashOfHashes: "00".repeat(32) }), ["BadBase64", "HashOfHashes"]],
    ["another hash of hashes", changed({ HashOfHashes: zeros }), ["HashMismatch", "HashOfHashes"]],
    ["another digest", changed({ Pieces: [zeros] }), ["HashMismatch", "HashOfHashes"]],
    ["another length", changed({ ContentLength: 758_545 }), ["HashMismatch", "HashOfHashes"]],
    ["another piece size", changed({ PieceSize: 1_048_575 }), ["HashMismatch", "HashOfHashes"]]
  ]
  for (const [what, bytes, expected] of cases) {
    it(`is refused as ${expected.join(" of ")}: ${what}`, () => {
      assert.deepStrictEqual(refusal(bytes), expected)
    })
  }

  it("is refused before it is read when it is too long", () => {
    assert.deepStrictEqual(refusal(new Uint8Array(Phf.maxBytes + 1)), ["TooLarge"])
  })

  it("is refused before it is parsed when its values would take far more memory than its bytes", () => {
    for (const value of ["[]", "{}", "0"]) {
      assert.deepStrictEqual(refusal(bytesOf(`[${`${value},`.repeat(300_000)}0]`)), ["TooLarge"])
    }
    assert.deepStrictEqual(refusal(bytesOf("[".repeat(1_000_000))), ["TooLarge"])
  })

  it("takes the greatest piece from the caller, up to 16 MiB", () => {
    const phf = Phf.make({ contentSize: 758_544, pieceSize: 2 ** 24, digests: valid })
    assert.isTrue(Result.isSuccess(Phf.decode(Phf.encode(phf), { maxPieceSize: 2 ** 24 })))
    assert.deepStrictEqual(refusal(changed({ PieceSize: 2 ** 24 + 1 }), { maxPieceSize: 2 ** 30 }), [
      "BadPieceSize",
      "PieceSize"
    ])
  })

  it("has the number that Delivery Optimization gives it", () => {
    const numbers = [bytesOf("no"), changed({ MajorVersion: 2 })].map(
      (bytes) => Result.getOrThrow(Result.flip(Phf.decode(bytes))).doCode
    )
    assert.deepStrictEqual(numbers, [0x80d06809, 0x80d0680a])
  })
})

/** Why a file is not the promised one. */
const refused = (...args: Parameters<typeof Phf.verify>) => {
  const { field, message, reason } = Result.getOrThrow(Result.flip(Phf.verify(...args)))
  return [reason, field, message]
}

describe("verify", () => {
  const bytes = golden("758544")
  const hashOfHashes = digestOf("8mCgqHVXNUyEZOGgpsbSCy52YRo0acscjDoPV591rys=")
  const fileDigest = digestOf("xF5p1A9LiL1aEiYWHG7IxoBzYLH6fTxXC8TTtH3/7NM=")

  it("takes a file that either of its hashes vouches for", () => {
    for (const expected of [{ hashOfHashes }, { fileDigest }, { hashOfHashes, fileDigest }]) {
      assert.strictEqual(Result.getOrThrow(Phf.verify(bytes, expected)).layout.contentSize, 758_544)
    }
  })

  it("refuses a good file of another content", () => {
    const message = "The pieces hash file is not the one that was promised (expected.hashOfHashes)."
    assert.deepStrictEqual(refused(golden("244530"), { hashOfHashes }), [
      "HashMismatch",
      "expected.hashOfHashes",
      message
    ])
    const both = refused(bytes, { hashOfHashes: valid, fileDigest })
    assert.deepStrictEqual(both.slice(0, 2), ["HashMismatch", "expected.hashOfHashes"])
  })

  it("refuses one changed byte, although it means the same, when the digest of the file is known", () => {
    const same = bytesOf(`${new TextDecoder().decode(bytes)} `)
    assert.isTrue(Result.isSuccess(Phf.verify(same, { hashOfHashes })))
    assert.deepStrictEqual(refused(same, { hashOfHashes, fileDigest }).slice(0, 2), [
      "HashMismatch",
      "expected.fileDigest"
    ])
  })

  it("does not parse what has the wrong digest", () => {
    assert.deepStrictEqual(refused(bytesOf("no"), { fileDigest }).slice(0, 2), ["HashMismatch", "expected.fileDigest"])
  })
})

describe("the bound of a file's length", () => {
  it("is that of a content of 1.3 TiB in standard pieces", () => {
    const tebibyte = 2 ** 40
    assert.isTrue(Phf.canHold(PieceLayout.standard(1.3 * tebibyte - ((1.3 * tebibyte) % 1))))
    assert.isFalse(Phf.canHold(PieceLayout.standard(1.5 * tebibyte)))
  })
})
