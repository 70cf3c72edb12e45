import { assert, describe, it } from "@effect/vitest"
import { Codec } from "@piecework/wire"
import { PieceLayout } from "@piecework/domain/PieceLayout"
import { Uploads } from "../src/internal/Uploads.ts"
import { block } from "./rawPeer.ts"

const layout = new PieceLayout({ contentSize: 3_000_000, pieceSize: 1_048_576 })
const kib256 = 262_144

/** Byte `at` of a piece, so that what lies where can be told. */
const valueAt = (piece: number, at: number) => (piece * 7 + at * 31 + (at >> 8)) & 0xff

/** Reads what is to be read, as the cache would; answers its place and length. */
const read = (uploads: Uploads) => {
  const lot = uploads.toRead()
  if (lot === undefined) return undefined
  for (let i = 0; i < lot.into.length; i++) lot.into[i] = valueAt(lot.piece, lot.offset + i)
  lot.done()
  return [lot.piece, lot.offset, lot.into.length]
}

/** The next frame, which must be the answer to this request. */
const assertNext = (uploads: Uploads, asked: ReturnType<typeof block>) => {
  const next = uploads.next()
  if (next === undefined || next === "Unread") return assert.fail(`the next answer is ${next ?? "missing"}`)
  assert.deepStrictEqual(next.block, asked)
  const header = Codec.encode({ _tag: "Piece", ...asked })
  assert.deepStrictEqual(next.frame.slice(0, header.length), header)
  const data = next.frame.subarray(header.length)
  assert.strictEqual(data.length, asked.length)
  assert.isTrue(data.every((byte, i) => byte === valueAt(asked.piece, asked.offset + i)))
}

describe("the answers of a session", () => {
  it("are read in one go where they lie one behind the other, up to 512 KiB, and leave one by one", () => {
    const uploads = new Uploads(layout, 8)
    const asked = [0, 1, 2, 3].map((n) => block(0, n * kib256, kib256))
    for (const one of asked) assert.isUndefined(uploads.add(one))
    for (const half of [asked.slice(0, 2), asked.slice(2)]) {
      assert.strictEqual(uploads.next(), "Unread")
      assert.deepStrictEqual(read(uploads), [0, half[0]?.offset, 2 * kib256])
      for (const one of half) assertNext(uploads, one)
    }
    assert.isUndefined(uploads.next())
    assert.isUndefined(read(uploads))
  })

  it("are read apart where they are of two pieces, or of two places", () => {
    const uploads = new Uploads(layout, 8)
    const asked = [block(0, 0, 1000), block(0, 2000, 1000), block(1, 3000, 1000)]
    for (const one of asked) uploads.add(one)
    for (const one of asked) {
      assert.strictEqual(uploads.next(), "Unread")
      assert.deepStrictEqual(read(uploads), [one.piece, one.offset, one.length])
      assertNext(uploads, one)
    }
  })

  it("do not leave when they are taken back after they were read", () => {
    const uploads = new Uploads(layout, 8)
    const asked = [0, 1, 2].map((n) => block(2, n * 1000, 1000))
    for (const one of asked) uploads.add(one)
    assert.deepStrictEqual(read(uploads), [2, 0, 3000])
    assertNext(uploads, block(2, 0, 1000))
    uploads.cancel(block(2, 1000, 1000))
    assertNext(uploads, block(2, 2000, 1000))
    assert.isUndefined(uploads.next())
    uploads.add(block(2, 1000, 1000))
    uploads.clear()
    assert.isUndefined(uploads.next())
  })

  it("are read again when their end was written over, since the block behind them has left", () => {
    const uploads = new Uploads(layout, 8)
    const [first, second] = [block(1, 0, 1000), block(1, 1000, 1000)]
    uploads.add(first)
    uploads.add(second)
    read(uploads)
    uploads.cancel(first)
    assertNext(uploads, second)
    uploads.add(first)
    assert.strictEqual(uploads.next(), "Unread")
    assert.deepStrictEqual(read(uploads), [1, 0, 1000])
    assertNext(uploads, first)
  })

  it("are waited for by so many requests at most, of which none counts twice", () => {
    const uploads = new Uploads(layout, 2)
    assert.isUndefined(uploads.add(block(0, 0, 10)))
    assert.isUndefined(uploads.add(block(0, 0, 10)))
    assert.isUndefined(uploads.add(block(0, 10, 10)))
    assert.strictEqual(uploads.add(block(0, 20, 10)), "TooManyRequests")
  })

  it("are of whole blocks inside of a piece", () => {
    const uploads = new Uploads(layout, 2)
    assert.isUndefined(uploads.check(block(0, 0, 1_048_576)))
    for (const wrong of [block(0, 1, 1_048_576), block(2, 900_000, 10_000), block(0, 0, 0)]) {
      assert.strictEqual(uploads.check(wrong), "BadMessage")
    }
    assert.strictEqual(uploads.check({ ...block(0, 0, 10), piece: 3 as never }), "BadMessage")
  })
})
