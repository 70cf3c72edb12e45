import { assert, describe, it } from "@effect/vitest"
import { ContentId } from "@piecework/domain/Content"
import type { FileStatus } from "@piecework/domain/FileStatus"
import * as Passed from "@piecework/download/Passed"
import * as Status from "@piecework/download/Status"
import { Option } from "effect"
import * as StatusTable from "../src/view/StatusTable.ts"

const minute = 60_000
const id = (letter: string) => ContentId.make(`DO-${letter.repeat(43)}`)

const file = (letter: string): FileStatus => {
  const cached = { contentId: id(letter), contentSize: 1, heldBytes: 1, heldPieces: 1, pieceCount: 1, complete: true }
  const [status] = Status.of({ records: [], cached: [cached] })
  assert.isDefined(status)
  return status
}

const cells = (line: string | undefined) => line?.split(/ {2,}/) ?? []

describe("the table of files", () => {
  it("says whose turn it is and when the others' begins, where an agent runs", () => {
    const files = ["a", "b", "c", "d"].map(file)
    assert.notInclude(StatusTable.render(files, 0, Option.none()), "OFFERED")
    const table = StatusTable.render(
      files,
      minute,
      Option.some([
        { contentId: id("a"), why: "Asked" },
        { contentId: id("b"), why: "Turn", until: 5 * minute },
        { contentId: id("c"), why: "Waiting", until: 5 * minute }
      ])
    )
    const ends = table.split("\n").map((line) => line.split(/ {2,}/).at(-1))
    assert.deepStrictEqual(ends, ["OFFERED", "asked for", "its turn", "in 4:00", "no"])
  })

  it("shows no state, size or mode of the sum of those that have no name, which has none", () => {
    const others = { ...Passed.none, received: { ...Passed.none.received, Origin: 5_000_000 } }
    const [head, sum] = StatusTable.render(Status.of({ records: [], cached: [], others }), 0, Option.some([])).split(
      "\n"
    )
    const shown = Object.fromEntries(cells(head).map((title, n) => [title, cells(sum)[n]]))
    assert.strictEqual(shown["FILE"], "(other downloads)")
    assert.strictEqual(shown["HTTP"], "4.8 MiB")
    for (const title of ["SIZE", "IN CACHE", "STATUS", "MODE", "EXPIRES", "OFFERED"]) {
      assert.strictEqual(shown[title], "-", title)
    }
  })
})
