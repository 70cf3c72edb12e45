import { assert, describe, it } from "@effect/vitest"
import * as Stamp from "../src/internal/Stamp.ts"

const second = 1_000_000_000n
const stampOf = (ctimeNs: bigint, mtimeNs = ctimeNs, size = 10n): Stamp.Stamp => ({ size, mtimeNs, ctimeNs })

describe("A stamp", () => {
  it("differs when the file's length, or either of its times does", () => {
    const stamp = stampOf(5n, 4n)
    assert.isTrue(Stamp.isSame(stamp, stampOf(5n, 4n)))
    assert.isFalse(Stamp.isSame(stamp, stampOf(5n, 4n, 11n)))
    assert.isFalse(Stamp.isSame(stamp, stampOf(5n, 3n)))
    assert.isFalse(Stamp.isSame(stamp, stampOf(6n, 4n)))
  })

  it("tells a change of the bytes from one of the names", () => {
    assert.isTrue(Stamp.isSameData(stampOf(5n, 4n), stampOf(6n, 4n)))
    assert.isFalse(Stamp.isSameData(stampOf(5n, 4n), stampOf(5n, 5n)))
    assert.isFalse(Stamp.isSameData(stampOf(5n, 4n), stampOf(5n, 4n, 11n)))
  })

  it("proves nothing for two ticks of the kernel, and for two seconds where only seconds are kept", () => {
    const fine = stampOf(7n * second + 1_000_000n)
    const coarse = stampOf(7n * second)
    assert.isFalse(Stamp.isCoarse(fine))
    assert.isTrue(Stamp.isCoarse(coarse))
    for (const [stamp, now, isYoung] of [
      [fine, 7001, true],
      [fine, 7020, true],
      [fine, 7021, false],
      [coarse, 7021, true],
      [coarse, 8999, true],
      [coarse, 9000, false],
      // Of a clock that is an hour ahead of ours: nothing can be concluded, and nothing is hashed for an hour.
      [coarse, 7000 - 3_600_000, false]
    ] as const) {
      assert.strictEqual(Stamp.isYoung(stamp, now), isYoung)
    }
  })
})
