import { assert, it } from "@effect/vitest"
import * as HealthFile from "../src/HealthFile.ts"

it("is a GIF of one dot of 969,710 bytes, whose blocks end where they should", () => {
  const bytes = HealthFile.bytes()
  assert.strictEqual(bytes.length, 969_710)
  assert.strictEqual(Buffer.from(bytes.subarray(0, 6)).toString("latin1"), "GIF89a")
  const view = Buffer.from(bytes)
  assert.deepStrictEqual([view.readUInt16LE(6), view.readUInt16LE(8)], [1, 1])
  // Behind the header, the screen and two colours.
  let at = 13 + 3 * 2 ** ((view.readUInt8(10) & 7) + 1)
  const blocks = () => {
    for (let length = view.readUInt8(at++); length > 0; length = view.readUInt8(at++)) at += length
  }
  const seen: Array<number> = []
  for (;;) {
    const kind = view.readUInt8(at++)
    seen.push(kind)
    if (kind === 0x3b) break
    if (kind === 0x21) at += 1
    else at += 9 + 1
    blocks()
  }
  assert.deepStrictEqual(seen, [0x21, 0x2c, 0x3b])
  assert.strictEqual(at, bytes.length)
})
