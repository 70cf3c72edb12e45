import { assert, describe, it } from "@effect/vitest"
import * as Gaps from "../src/Gaps.ts"

/** "#" is taken, "." is free. */
const bytesOf = (picture: string) => {
  const bytes = new Uint8Array((picture.length + 7) >> 3)
  for (const [n, mark] of [...picture].entries()) if (mark === "#") Gaps.set(bytes, n)
  return bytes
}
const survey = (picture: string, most: number) => Gaps.survey(picture.length, bytesOf(picture), most)

describe("a survey", () => {
  for (const [picture, most, gaps] of [
    ["....", 3, [[0, 4]]],
    ["####", 3, []],
    ["........", 3, [[0, 8]]],
    [
      "#.#..#...#",
      3,
      [
        [6, 3],
        [3, 2],
        [1, 1]
      ]
    ],
    [
      "#.#..#...#",
      2,
      [
        [6, 3],
        [3, 2]
      ]
    ],
    ["...#..#.", 1, [[0, 3]]],
    [
      "..#..#..",
      2,
      [
        [0, 2],
        [3, 2]
      ]
    ],
    ["########..........######", 2, [[8, 10]]],
    [".......##.......#..", 1, [[0, 7]]],
    [
      ".#.#.#..",
      2,
      [
        [6, 2],
        [0, 1]
      ]
    ]
  ] as const)
    it(`of ${picture} has at most ${most} gaps, the longest first, and of equals the first`, () => {
      const found = survey(picture, most)
      assert.strictEqual(found.free, [...picture].filter((mark) => mark === ".").length)
      assert.deepStrictEqual(
        found.gaps.map(({ first, count }) => [first, count]),
        gaps.map((gap) => [...gap])
      )
    })

  it("says the same as one that looks at each piece", () => {
    let state = 7
    const roll = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
    for (let n = 0; n < 300; n++) {
      const length = 1 + Math.floor(roll() * 80)
      const density = roll()
      const picture = Array.from({ length }, () => (roll() < density ? "#" : ".")).join("")
      const all = [...picture.matchAll(/\.+/g)]
        .map((match) => ({ first: match.index, count: match[0].length }))
        .toSorted((a, b) => b.count - a.count || a.first - b.first)
      for (const most of [1, 3, 100]) assert.deepStrictEqual(survey(picture, most).gaps, all.slice(0, most), picture)
    }
  })
})

it("bits are told apart", () => {
  const [a, b] = [bytesOf("##..#...#"), bytesOf("#...##...")]
  assert.deepStrictEqual(Gaps.minus(a, b), bytesOf(".#......#"))
  assert.deepStrictEqual(Gaps.union(a, b), bytesOf("##..##..#"))
  assert.isTrue(Gaps.exceeds(a, b))
  assert.isFalse(Gaps.exceeds(bytesOf("#...#...."), b))
  assert.isTrue(Gaps.meets(a, b))
  assert.isFalse(Gaps.meets(a, bytesOf("..##.###.")))
  assert.deepStrictEqual([Gaps.any(a), Gaps.any(bytesOf("........."))], [true, false])
})

it("numbers in any order are runs in order", () => {
  assert.deepStrictEqual(Gaps.runsOf([5, 1, 2, 9, 6]), [
    { first: 1, count: 2 },
    { first: 5, count: 2 },
    { first: 9, count: 1 }
  ])
  assert.deepStrictEqual(Gaps.runsOf([]), [])
})
