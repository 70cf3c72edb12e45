import { assert, describe, it } from "@effect/vitest"
import { Bitfield, PieceLayout } from "@piecework/domain"
import { Option } from "effect"

const at = (n: number) => Option.getOrThrow(PieceLayout.standard(100 * PieceLayout.standardPieceSize).index(n))

describe("Bitfield", () => {
  it("puts piece 0 into the most significant bit of the first byte", () => {
    assert.deepStrictEqual([...Bitfield.fromPieces(10, [at(0), at(9)]).bytes], [0x80, 0x40])
  })

  it("keeps the bits past the last piece clear when full", () => {
    assert.deepStrictEqual([...Bitfield.full(10).bytes], [0xff, 0xc0])
    assert.deepStrictEqual([...Bitfield.full(16).bytes], [0xff, 0xff])
    assert.strictEqual(Bitfield.full(0).bytes.length, 0)
  })

  it("refuses bytes of the wrong number or with spare bits set", () => {
    assert.isUndefined(Bitfield.fromBytes(10, Uint8Array.of(0xff)))
    assert.isUndefined(Bitfield.fromBytes(10, Uint8Array.of(0xff, 0xc0, 0)))
    assert.isUndefined(Bitfield.fromBytes(10, Uint8Array.of(0xff, 0xe0)))
    assert.isDefined(Bitfield.fromBytes(10, Uint8Array.of(0xff, 0xc0)))
  })

  it("tells the pieces that came, in order, and not those that went", () => {
    const earlier = Bitfield.fromPieces(20, [at(0), at(8)])
    const later = Bitfield.fromPieces(20, [at(8), at(1), at(19), at(15)])
    assert.deepStrictEqual([...Bitfield.added(earlier, later)], [at(1), at(15), at(19)])
    assert.deepStrictEqual([...Bitfield.added(later, later)], [])
  })

  it("leaves the old value alone when a piece is added", () => {
    const none = Bitfield.empty(10)
    const one = Bitfield.add(none, at(3))
    assert.isFalse(Bitfield.has(none, 3))
    assert.deepStrictEqual([...Bitfield.pieces(one)], [at(3)])
    assert.strictEqual(Bitfield.add(one, at(3)), one)
  })

  it("ignores pieces that are not of this content", () => {
    assert.strictEqual(Bitfield.count(Bitfield.add(Bitfield.empty(10), at(10))), 0)
    assert.isFalse(Bitfield.has(Bitfield.full(10), 12))
  })

  it("copies what it is given, so that a reused buffer changes nothing", () => {
    const bytes = Uint8Array.of(0x80, 0)
    const held = Bitfield.fromBytes(10, bytes)
    bytes[0] = 0
    assert.isTrue(held !== undefined && Bitfield.has(held, 0))
  })
})
