import { assert, describe, it } from "@effect/vitest"
import * as Answer from "../src/Answer.ts"
import type * as Selection from "../src/Selection.ts"
import * as Scene from "./Scene.ts"

const modified = "Sat, 01 Aug 2026 10:00:00 GMT"
const before = "Fri, 31 Jul 2026 10:00:00 GMT"
const after = "Sun, 02 Aug 2026 10:00:00 GMT"
const content = {
  contentId: Scene.idOf("a"),
  size: 1000,
  facts: new Map([
    ["etag", '"one"'],
    ["last-modified", modified],
    ["content-type", "text/x"],
    ["set-cookie", "a=b"]
  ])
}
const ask = (headers: Selection.Asked["headers"], method = "GET", of: Answer.Content = content) => {
  const { headers: said, part, status } = Answer.decide({ method, headers }, of)
  return { status, part, said: new Map(said.map(([name, value]) => [name.toLowerCase(), value])) }
}

describe("An answer for a known content", () => {
  it("is the whole, and says on what the origin says of it, but nothing that is for one client", () => {
    const { part, said, status } = ask({})
    assert.deepStrictEqual([status, part], [200, { offset: 0, length: 1000 }])
    assert.strictEqual(said.get("content-length"), "1000")
    assert.strictEqual(said.get("content-type"), "text/x")
    assert.strictEqual(said.get("etag"), '"one"')
    assert.strictEqual(said.get("last-modified"), modified)
    assert.isFalse(said.has("set-cookie"))
  })
  it("has a version of its own where the origin is silent", () => {
    const { said } = ask({}, "GET", { ...content, facts: new Map() })
    assert.strictEqual(said.get("etag"), `"${content.contentId}"`)
    assert.strictEqual(said.get("content-type"), "application/octet-stream")
  })
  it("to HEAD has the same headers and no bytes, whatever range is asked for", () => {
    const { part, said, status } = ask({ range: "bytes=0-1" }, "HEAD")
    assert.deepStrictEqual([status, part, said.get("content-length")], [200, undefined, "1000"])
  })

  const parts: ReadonlyArray<readonly [range: string, offset: number, length: number, place: string]> = [
    ["bytes=0-0", 0, 1, "bytes 0-0/1000"],
    ["bytes=10-19", 10, 10, "bytes 10-19/1000"],
    ["bytes=990-", 990, 10, "bytes 990-999/1000"],
    ["bytes=990-5000", 990, 10, "bytes 990-999/1000"],
    ["bytes=-1", 999, 1, "bytes 999-999/1000"],
    ["bytes=-5000", 0, 1000, "bytes 0-999/1000"],
    ["Bytes = 1 - 2", 1, 2, "bytes 1-2/1000"]
  ]
  for (const [range, offset, length, place] of parts) {
    it(`to ${range} is that part`, () => {
      const { part, said, status } = ask({ range })
      assert.deepStrictEqual([status, part], [206, { offset, length }])
      assert.deepStrictEqual([said.get("content-range"), said.get("content-length")], [place, String(length)])
    })
  }
  it("is none where the range lies behind the end", () => {
    for (const range of ["bytes=1000-", "bytes=2000-3000", "bytes=-0"]) {
      const { part, said, status } = ask({ range })
      assert.deepStrictEqual([status, part, said.get("content-range")], [416, undefined, "bytes */1000"])
    }
  })
  it("is the whole where the range cannot be read", () => {
    for (const range of ["bytes=", "bytes=-", "bytes=2-1", "items=0-1", "bytes=a-b", "bytes=0-1x"]) {
      assert.strictEqual(ask({ range }).status, 200, range)
    }
  })

  const versions: ReadonlyArray<readonly [headers: Selection.Asked["headers"], status: number]> = [
    [{ "if-none-match": '"one"' }, 304],
    [{ "if-none-match": 'W/"one"' }, 304],
    [{ "if-none-match": '"two", "one"' }, 304],
    [{ "if-none-match": "*" }, 304],
    [{ "if-none-match": '"two"' }, 200],
    [{ "if-none-match": '"two"', "if-modified-since": after }, 200],
    [{ "if-modified-since": modified }, 304],
    [{ "if-modified-since": after }, 304],
    [{ "if-modified-since": before }, 200],
    [{ "if-modified-since": "yesterday" }, 200],
    [{ "if-match": '"one"' }, 200],
    [{ "if-match": 'W/"one"' }, 412],
    [{ "if-match": '"two"' }, 412],
    [{ "if-unmodified-since": before }, 412],
    [{ "if-unmodified-since": modified }, 200],
    [{ range: "bytes=1-2", "if-range": '"one"' }, 206],
    [{ range: "bytes=1-2", "if-range": '"two"' }, 200],
    [{ range: "bytes=1-2", "if-range": 'W/"one"' }, 200],
    [{ range: "bytes=1-2", "if-range": modified }, 206],
    [{ range: "bytes=1-2", "if-range": after }, 200],
    [{ range: "bytes=1000-", "if-range": '"two"' }, 200],
    [{ range: "bytes=1-2", "if-none-match": '"one"' }, 304]
  ]
  for (const [headers, status] of versions) {
    it(`to ${JSON.stringify(headers)} is ${status}`, () => assert.strictEqual(ask(headers).status, status))
  }
})
