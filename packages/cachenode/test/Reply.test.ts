import { assert, describe, it } from "@effect/vitest"
import * as Reply from "../src/Reply.ts"
import { urlOf } from "./Scene.ts"

const lastModified = "Sat, 01 Aug 2026 10:00:00 GMT"
const facts = (headers: Readonly<Record<string, string>> = {}) => ({
  url: urlOf("http://o.test/a"),
  size: 1000,
  headers: new Map(Object.entries({ etag: '"v1"', "last-modified": lastModified, ...headers })),
  confirmedAt: 10_000,
  freshUntil: 20_000
})
const told = { status: "hit", via: "me", now: 15_999 }

const of = (headers: Readonly<Record<string, string>> = {}, method = "GET", more = facts()) => {
  const reply = Reply.ofFile({ method, headers }, more, told)
  return { ...reply, headers: Object.fromEntries(reply.headers) }
}

const first = (range: string, method = "GET") => Reply.firstPart({ method, headers: { range } })

describe("Reply", () => {
  it("has the whole file, how old it is, and who had it", () => {
    const { headers, part, status } = of()
    assert.strictEqual(status, 200)
    assert.deepStrictEqual(part, { offset: 0, length: 1000 })
    assert.deepStrictEqual(headers, {
      ETag: '"v1"',
      "Last-Modified": lastModified,
      "Accept-Ranges": "bytes",
      Age: "5",
      Via: "1.1 me",
      "Cache-Status": "piecework; hit",
      "Content-Length": "1000"
    })
  })

  it("adds to what caches before it said", () => {
    const { headers } = of({}, "GET", facts({ age: "100", via: "1.1 up", "cache-status": "up; fwd=miss" }))
    assert.strictEqual(headers["Age"], "105")
    assert.strictEqual(headers["Via"], "1.1 up, 1.1 me")
    assert.strictEqual(headers["Cache-Status"], "up; fwd=miss, piecework; hit")
  })

  it("says nothing on that is between neighbours, of one client, or not to be sent at all", () => {
    const { headers } = of(
      {},
      "GET",
      facts({
        connection: "close, X-Own",
        "x-own": "1",
        "transfer-encoding": "chunked",
        "set-cookie": "a=b",
        "content-length": "7",
        "x-ccc": "theirs",
        "x-bad": "a\r\nb",
        "bad name": "a",
        "content-type": "text/plain"
      })
    )
    assert.deepStrictEqual(Object.keys(headers).toSorted(), [
      "Accept-Ranges",
      "Age",
      "Cache-Status",
      "Content-Length",
      "Content-Type",
      "ETag",
      "Last-Modified",
      "Via"
    ])
  })

  it("has one part where one is asked for, the whole for several, and 416 past the end", () => {
    const rows: ReadonlyArray<readonly [range: string, status: number, place: string | undefined]> = [
      ["bytes=0-9", 206, "bytes 0-9/1000"],
      ["bytes=990-", 206, "bytes 990-999/1000"],
      ["bytes=990-5000", 206, "bytes 990-999/1000"],
      ["bytes=-10", 206, "bytes 990-999/1000"],
      ["bytes=-5000", 206, "bytes 0-999/1000"],
      ["bytes=1000-", 416, "bytes */1000"],
      ["bytes=-0", 416, "bytes */1000"],
      ["bytes=0-1,5-6", 200, undefined],
      ["bytes=9-0", 200, undefined],
      ["lines=0-1", 200, undefined],
      ["bytes=", 200, undefined]
    ]
    for (const [range, status, place] of rows) {
      const reply = of({ range })
      assert.strictEqual(reply.status, status, range)
      assert.strictEqual(reply.headers["Content-Range"], place, range)
    }
    assert.strictEqual(of({ range: "bytes=0-9" }, "HEAD").status, 200)
    assert.isUndefined(of({}, "HEAD").part)
  })

  it("answers conditions by the origin's validators", () => {
    assert.strictEqual(of({ "if-none-match": 'W/"v1"' }).status, 304)
    assert.strictEqual(of({ "if-none-match": '"v2"' }).status, 200)
    assert.strictEqual(of({ "if-modified-since": lastModified }).status, 304)
    assert.strictEqual(of({ "if-match": '"v2"' }).status, 412)
    assert.strictEqual(of({ "if-range": '"v1"', range: "bytes=0-9" }).status, 206)
    assert.strictEqual(of({ "if-range": '"v2"', range: "bytes=0-9" }).status, 200)
    assert.strictEqual(of({ "if-range": lastModified, range: "bytes=0-9" }).status, 206)
    assert.isUndefined(of({ "if-none-match": '"v1"' }).headers["Content-Length"])
  })

  it("has no part of an empty file", () => {
    const { part, status } = of({}, "GET", { ...facts(), size: 0 })
    assert.strictEqual(status, 200)
    assert.isUndefined(part)
  })

  it("tells which part is wanted first before the size is known", () => {
    assert.deepStrictEqual(first("bytes=5-9"), { offset: 5, length: 5 })
    assert.deepStrictEqual(first("bytes=5-"), { offset: 5 })
    assert.deepStrictEqual(first("bytes=-9"), { offset: -9 })
    for (const range of ["bytes=9-5", "bytes=-", "bytes=-0", "bytes=1-2,4-5", "x", `bytes=${"9".repeat(30)}-`]) {
      assert.isUndefined(first(range), range)
    }
    assert.isUndefined(first("bytes=5-9", "HEAD"))
  })
})
