import { assert, it } from "@effect/vitest"
import * as Bitfield from "@piecework/domain/Bitfield"
import { type PieceIndex, PieceLayout } from "@piecework/domain/PieceLayout"
import { Effect } from "effect"
import * as Body from "../src/Body.ts"

const layout = new PieceLayout({ contentSize: 95, pieceSize: 10 })
/** "x" is held. */
const held = (text: string) =>
  Bitfield.fromPieces(
    10,
    Array.from(text).flatMap((letter, i) => (letter === "x" ? [i as PieceIndex] : []))
  )

it("reads piece by piece what lies here, and waits for the rest up to where it is worth while to look again", () => {
  const rows: ReadonlyArray<readonly [pieces: string, at: number, end: number, expected: Body.Stretch]> = [
    ["xx........", 0, 95, { from: "Shelf", end: 10 }],
    ["xx........", 13, 95, { from: "Shelf", end: 20 }],
    ["xx........", 13, 17, { from: "Shelf", end: 17 }],
    ["xx........", 20, 95, { from: "Stream", end: 95 }],
    [".xxxx.....", 5, 95, { from: "Stream", end: 10 }],
    [".xxx.xxxx.", 5, 95, { from: "Stream", end: 50 }],
    [".xxx.xxx..", 5, 95, { from: "Stream", end: 95 }],
    ["......xxxx", 0, 95, { from: "Stream", end: 60 }],
    ["......xxxx", 0, 85, { from: "Stream", end: 85 }],
    [".........x", 91, 95, { from: "Shelf", end: 95 }]
  ]
  for (const [pieces, at, end, expected] of rows) {
    assert.deepStrictEqual(Body.stretch(layout, held(pieces), at, end), expected, `${pieces} ${at}-${end}`)
  }
})

it("knows whether every byte of a part lies here", () => {
  const shelf: Body.Shelf = { layout, held: () => held("xx.x......"), read: () => Effect.succeed(true) }
  assert.isTrue(Body.isHere(shelf, { offset: 0, length: 20 }))
  assert.isFalse(Body.isHere(shelf, { offset: 0, length: 21 }))
  assert.isTrue(Body.isHere(shelf, { offset: 39, length: 1 }))
  assert.isFalse(Body.isHere(shelf, { offset: 39, length: 2 }))
})
