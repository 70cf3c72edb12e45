import { assert, describe, it } from "@effect/vitest"
import * as Members from "../src/Members.ts"

const after = (looks: ReadonlyArray<Readonly<Record<string, number>>>): Members.Members =>
  looks.reduce(
    (members, rows) =>
      Members.looked(
        members,
        Object.entries(rows).map(([url, beat]) => ({ url, beat }))
      ),
    Members.none
  )

/** So many looks at one that does not count on. */
const looks = (n: number) => Array.from({ length: n }, () => ({ a: 7 }))

describe("Members", () => {
  it("are alive when they are new, and as long as they count on", () => {
    assert.deepStrictEqual(Members.alive(after([{ a: 7 }])), ["a"])
    assert.deepStrictEqual(Members.alive(after([{ a: 7 }, { a: 8 }, { a: 9 }, { a: 10 }, { a: 11 }])), ["a"])
    // One that began anew counts from the beginning.
    assert.deepStrictEqual(Members.alive(after([{ a: 7 }, { a: 7 }, { a: 7 }, { a: 1 }])), ["a"])
  })

  it("are dead after three looks at the same count, and alive again with the next", () => {
    const still = [
      { a: 7, b: 1 },
      { a: 7, b: 2 },
      { a: 7, b: 3 }
    ] as const
    assert.deepStrictEqual(Members.alive(after(still)), ["a", "b"])
    const dead = [...still, { a: 7, b: 4 }]
    assert.deepStrictEqual(Members.alive(after(dead)), ["b"])
    assert.deepStrictEqual(Members.alive(after([...dead, { a: 8, b: 5 }])), ["a", "b"])
  })

  it("that said goodbye are gone at once", () => {
    assert.deepStrictEqual(Members.alive(after([{ a: 7, b: 1 }, { b: 2 }])), ["b"])
  })

  it("are forgotten long after they died, not before", () => {
    assert.deepStrictEqual(Members.forgotten(after(looks(30))), [])
    assert.deepStrictEqual(
      Members.forgotten(after(looks(31))).map(({ url }) => url),
      ["a"]
    )
  })
})
