import { assert, describe, it } from "@effect/vitest"
import { arranged, turned } from "../src/parts/table/Rows.ts"

const rows = [
  { name: "lab-10", bytes: 5 },
  { name: "lab-9", bytes: 70 },
  { name: "office", bytes: 70 }
]
const columns = [
  { key: "name", value: (row: (typeof rows)[number]) => row.name },
  { key: "bytes", value: (row: (typeof rows)[number]) => row.bytes }
]
const asked = { search: "", order: undefined, page: 0, pageSize: 25 }
const names = (of: ReturnType<typeof arranged<(typeof rows)[number]>>) => of.shown.map(({ name }) => name)

const by = (key: string, isDescending: boolean) =>
  names(arranged(rows, columns, { ...asked, order: { key, isDescending } }))

describe("The rows of a table", () => {
  it("stay in their order until somebody sorts them", () => {
    assert.deepStrictEqual(names(arranged(rows, columns, asked)), ["lab-10", "lab-9", "office"])
  })

  it("are sorted as people count, and equals stay as they were", () => {
    assert.deepStrictEqual(by("name", false), ["lab-9", "lab-10", "office"])
    assert.deepStrictEqual(by("bytes", true), ["lab-9", "office", "lab-10"])
    assert.deepStrictEqual(by("gone", true), ["lab-10", "lab-9", "office"])
  })

  it("are found by all words of the search, in any column and any case", () => {
    assert.deepStrictEqual(names(arranged(rows, columns, { ...asked, search: " LAB  70" })), ["lab-9"])
    assert.strictEqual(arranged(rows, columns, { ...asked, search: "nobody" }).count, 0)
  })

  it("come in pages, and the last one where there are fewer than were asked for", () => {
    const last = arranged(rows, columns, { ...asked, pageSize: 2, page: 7 })
    assert.deepStrictEqual([last.page, last.pages, last.count, names(last)], [1, 2, 3, ["office"]])
    assert.deepStrictEqual(arranged([], columns, { ...asked, page: 3 }), { shown: [], count: 0, pages: 1, page: 0 })
  })

  it("turn round when the same head is pressed again, and begin with what is looked for", () => {
    assert.deepStrictEqual(turned(undefined, "bytes", true), { key: "bytes", isDescending: true })
    assert.deepStrictEqual(turned({ key: "bytes", isDescending: true }, "bytes", true).isDescending, false)
    assert.deepStrictEqual(turned({ key: "bytes", isDescending: true }, "name", false), {
      key: "name",
      isDescending: false
    })
  })
})
