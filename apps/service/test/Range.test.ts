import { assert, describe, it } from "@effect/vitest"
import * as Range from "../src/http/Range.ts"

const part = (start: number, end: number): Range.Range => ({ kind: "Part", start, end })
const whole: Range.Range = { kind: "Whole" }
const unsatisfiable: Range.Range = { kind: "Unsatisfiable" }

const rows: ReadonlyArray<readonly [header: string | undefined, range: Range.Range]> = [
  [undefined, whole],
  ["bytes=0-9", part(0, 9)],
  ["bytes=5-5", part(5, 5)],
  ["bytes=90-", part(90, 99)],
  ["bytes=90-1000", part(90, 99)],
  ["bytes=-10", part(90, 99)],
  ["bytes=-1000", part(0, 99)],
  ["bytes=100-", unsatisfiable],
  ["bytes=200-300", unsatisfiable],
  ["bytes=-0", unsatisfiable],
  ["bytes=9-0", whole],
  ["bytes=-", whole],
  ["bytes=a-b", whole],
  ["bytes=0-1,5-6", whole],
  ["pieces=0-1", whole],
  ["bytes=0-99999999999999999999", whole],
  ["", whole]
]

describe("Of 100 bytes, the header", () => {
  for (const [header, range] of rows) {
    it(`${header === undefined ? "that is absent" : `"${header}"`} asks for ${JSON.stringify(range)}`, () => {
      assert.deepStrictEqual(Range.parse(header, 100), range)
    })
  }

  it("is never satisfied by nothing", () => {
    assert.deepStrictEqual(Range.parse("bytes=0-", 0), unsatisfiable)
    assert.deepStrictEqual(Range.parse("bytes=-5", 0), unsatisfiable)
  })
})
