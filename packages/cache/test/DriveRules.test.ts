import { assert, describe, it } from "@effect/vitest"
import { DriveRules } from "@piecework/cache"

const day = 86_400_000
const mib = 1_048_576
const now = 1000 * day

const one = (name: string, more: Partial<DriveRules.Lodged> = {}) => ({
  name,
  bytes: 100 * mib,
  usedAt: now,
  uses: 1,
  isOpen: false,
  ...more
})

const drive = (size: number, used: number, isUsable = true) => ({ size, used, isUsable })

const names = (going: ReadonlyArray<{ readonly name: string }>) => going.map(({ name }) => name)
const all = 2 ** 40

describe("What leaves a drive", () => {
  const orders: ReadonlyArray<readonly [string, ReadonlyArray<ReturnType<typeof one>>, ReadonlyArray<string>]> = [
    ["what was not used for longest", [one("new"), one("old", { usedAt: now - day })], ["old", "new"]],
    ["what was used less often", [one("often", { uses: 7 }), one("seldom")], ["seldom", "often"]],
    [
      "what was often used long ago, before what was used once just now",
      [one("now"), one("then", { uses: 1023, usedAt: now - 10 * day })],
      ["then", "now"]
    ],
    [
      "what was used once, before what was often used some days ago",
      [one("once"), one("often", { uses: 127, usedAt: now - 5 * day })],
      ["once", "often"]
    ],
    ["a large one before a small one", [one("small", { bytes: mib }), one("large")], ["large", "small"]],
    [
      "a small one that nobody used for days, before a large one",
      [one("small", { bytes: 10, usedAt: now - 3 * day }), one("large", { bytes: 1024 * mib })],
      ["small", "large"]
    ],
    [
      "what a clock that was set back left in the future, like what is used now",
      [one("ahead", { usedAt: now + 999 * day }), one("often", { uses: 3 })],
      ["ahead", "often"]
    ]
  ]
  for (const [what, lodged, order] of orders) {
    it(`is, first, ${what}`, () => {
      assert.deepStrictEqual(names(DriveRules.leaving({ lodged, bytes: all, now })), order)
    })
  }

  it("is no more than is needed", () => {
    const lodged = [one("c"), one("a", { usedAt: now - 2 * day }), one("b", { usedAt: now - day })]
    assert.deepStrictEqual(names(DriveRules.leaving({ lodged, bytes: 100 * mib, now })), ["a"])
    assert.deepStrictEqual(names(DriveRules.leaving({ lodged, bytes: 100 * mib + 1, now })), ["a", "b"])
    assert.deepStrictEqual(names(DriveRules.leaving({ lodged, bytes: 0, now })), [])
    assert.deepStrictEqual(names(DriveRules.leaving({ lodged, bytes: 0, count: 2, now })), ["a", "b"])
  })

  it("is in the order of ranks, however many there are", () => {
    const many = Array.from({ length: 500 }, (_, n) =>
      one(String(n), { usedAt: now - ((n * 7919) % 500) * 3_600_000, uses: n % 5, bytes: 1 + ((n * 31) % 900) * mib })
    )
    const sorted = many.toSorted((a, b) => DriveRules.rank(a, now) - DriveRules.rank(b, now))
    assert.deepStrictEqual(
      names(DriveRules.leaving({ lodged: many, bytes: 0, count: 100, now })),
      names(sorted.slice(0, 100))
    )
    assert.deepStrictEqual(names(DriveRules.leaving({ lodged: many, bytes: all, now })), names(sorted))
  })

  it("is never what is open, and nothing that takes no room when room is needed", () => {
    const lodged = [one("open", { isOpen: true, usedAt: 0 }), one("empty", { bytes: 0, usedAt: 0 }), one("closed")]
    assert.deepStrictEqual(names(DriveRules.leaving({ lodged, bytes: all, now })), ["closed"])
  })
})

describe("The drive for something new", () => {
  it("is the one with most room left relative to its size", () => {
    const small = drive(100, 10)
    const large = drive(1000, 500)
    assert.strictEqual(DriveRules.roomiest([large, small], 5), small)
    assert.strictEqual(DriveRules.roomiest([large, drive(100, 60)], 5), large)
  })

  it("is as large as what it is to hold, and can be used", () => {
    const large = drive(1000, 999)
    assert.strictEqual(DriveRules.roomiest([drive(100, 0), large], 101), large)
    assert.strictEqual(DriveRules.roomiest([drive(100, 0), large], 1001), undefined)
    assert.strictEqual(DriveRules.roomiest([drive(100, 0, false)], 1), undefined)
    assert.strictEqual(DriveRules.roomiest([drive(0, 0)], 0), undefined)
  })
})
