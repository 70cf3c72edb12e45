import { assert, describe, it } from "@effect/vitest"
import { fileNameOf, write } from "../src/pages/exports/Writing.ts"

const pagesOf = (...pages: ReadonlyArray<ReadonlyArray<object>>) =>
  async function* (signal: AbortSignal) {
    for (const page of pages) {
      signal.throwIfAborted()
      yield page
    }
  }

describe("An export", () => {
  it("has a head, then every row of every page, each ended as RFC 4180 has it", async () => {
    const counts: Array<number> = []
    const parts = await write(
      pagesOf([{ b: 2, a: "x,y" }, { a: "=1+1" }], [{ a: 'say "no"', b: true }]),
      ["a", "b"],
      new AbortController().signal,
      (count) => counts.push(count)
    )
    assert.strictEqual(parts.join(""), 'a,b\r\n"x,y",2\r\n\'=1+1,\r\n"say ""no""",true\r\n')
    assert.deepStrictEqual(counts, [2, 3])
  })

  it("ends when it is told to, without a file", async () => {
    const controller = new AbortController()
    const told = write(pagesOf([{ a: 1 }], [{ a: 2 }]), ["a"], controller.signal, () => controller.abort())
    const end = await told.then(
      () => "a file",
      () => "nothing"
    )
    assert.strictEqual(end, "nothing")
  })

  it("is named by what it holds, how far back it goes, and its day", () => {
    assert.strictEqual(
      fileNameOf("devices", 28, Date.parse("2026-01-31T23:00:00Z")),
      "piecework-devices-28-days-2026-01-31.csv"
    )
  })
})
