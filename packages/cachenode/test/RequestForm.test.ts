import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as RequestForm from "../src/RequestForm.ts"

const of = (url: string, ...hosts: ReadonlyArray<string>) =>
  RequestForm.parse({ url, rawHeaders: hosts.flatMap((host) => ["host", host]) })

/** `host:port path form`, or why not. */
const shown = (result: ReturnType<typeof of>): string =>
  Result.isFailure(result)
    ? result.failure.reason
    : `${RequestForm.written(result.success.origin)} ${result.success.path} ${result.success.form}`

const table = (rows: ReadonlyArray<readonly [url: string, host: string | undefined, expected: string]>) => ({
  found: rows.map(([url, host]) => [url, host, shown(host === undefined ? of(url) : of(url, host))]),
  expected: rows.map((row) => Array.from(row))
})

describe("RequestForm", () => {
  it("takes the origin from the query, at any place and in any letter case, and leaves the rest as it was", () => {
    const { expected, found } = table([
      ["/a?cacheHostOrigin=o.test", "c", "o.test /a Query"],
      ["/a?x=1&cacheHostOrigin=o.test", "c", "o.test /a?x=1 Query"],
      ["/a?CACHEHOSTORIGIN=o.test&x=1&y", "c", "o.test /a?x=1&y Query"],
      ["/a?x=%2f&&cachehostorigin=O.test:8080&z==?&", "c", "o.test:8080 /a?x=%2f&&z==?& Query"],
      ["/a/../b/%2e%2e//c?cacheHostOrigin=o.test", "c", "o.test /a/../b/%2e%2e//c Query"],
      ["/a?cacheHostOrigin=o.test%3A81", "c", "o.test:81 /a Query"],
      [
        "/a?xcacheHostOrigin=p.test&cacheHostOriginx=q",
        "o.test",
        "o.test /a?xcacheHostOrigin=p.test&cacheHostOriginx=q Host"
      ],
      ["http://c/a?cacheHostOrigin=o.test", "c", "o.test /a Query"]
    ])
    assert.deepStrictEqual(found, expected)
  })

  it("takes it from the first line before the Host header, and from that where there is nothing else", () => {
    const { expected, found } = table([
      ["http://O.test:80/a?b", "c", "o.test:80 /a?b Absolute"],
      ["HTTP://o.test", "c", "o.test / Absolute"],
      ["http://o.test?b=c", "c", "o.test /?b=c Absolute"],
      ["/a?b=http://d/", "o.test", "o.test /a?b=http://d/ Host"],
      ["/a", "o.test.", "o.test /a Host"],
      ["/a", "[2001:DB8::1]:8080", "[2001:db8::1]:8080 /a Host"],
      ["/a?cacheHostOrigin=[::1]", "c", "[::1] /a Query"]
    ])
    assert.deepStrictEqual(found, expected)
  })

  it("sees addresses for what they are, however they are written", () => {
    const { expected, found } = table([
      ["/a", "127.1", "127.0.0.1 /a Host"],
      ["/a", "0x7f000001", "127.0.0.1 /a Host"],
      ["/a", "2130706433", "127.0.0.1 /a Host"],
      ["/a", "[::ffff:7f00:1]", "[::ffff:7f00:1] /a Host"]
    ])
    assert.deepStrictEqual(found, expected)
  })

  it("refuses what is no origin, and what names two", () => {
    const { expected, found } = table([
      ["/a", undefined, "NoOrigin"],
      ["/a?cacheHostOrigin=", "c", "NoOrigin"],
      ["/a?cacheHostOrigin", "c", "NoOrigin"],
      ["/a?cacheHostOrigin=o.test&CacheHostOrigin=o.test", "c", "TwoOrigins"],
      ["/a?cacheHostOrigin=o.test&cacheHostOrigin=p.test", "c", "TwoOrigins"],
      ["/a?cacheHostOrigin=user@o.test", "c", "BadOrigin"],
      ["/a?cacheHostOrigin=user:pass@o.test", "c", "BadOrigin"],
      ["/a?cacheHostOrigin=o.test%40evil.test", "c", "BadOrigin"],
      ["/a?cacheHostOrigin=o.test%2fx", "c", "BadOrigin"],
      ["/a?cacheHostOrigin=o.test%0d%0aX:1", "c", "BadOrigin"],
      ["/a?cacheHostOrigin=o.test%00", "c", "BadOrigin"],
      ["/a?cacheHostOrigin=%25", "c", "BadOrigin"],
      ["/a?cacheHostOrigin=%zz", "c", "BadOrigin"],
      ["/a?cacheHostOrigin=http://o.test", "c", "BadOrigin"],
      ["/a?cacheHostOrigin=o.test:0", "c", "BadOrigin"],
      ["/a?cacheHostOrigin=o.test:65536", "c", "BadOrigin"],
      ["/a?cacheHostOrigin=o.test:8080:1", "c", "BadOrigin"],
      ["/a?cacheHostOrigin=-o.test", "c", "BadOrigin"],
      ["/a?cacheHostOrigin=o..test", "c", "BadOrigin"],
      ["/a?cacheHostOrigin=::1", "c", "BadOrigin"],
      ["/a?cacheHostOrigin=[::1", "c", "BadOrigin"],
      [`/a?cacheHostOrigin=${"a".repeat(64)}.test`, "c", "BadOrigin"],
      [`/a?cacheHostOrigin=${"a.".repeat(127)}test`, "c", "BadOrigin"],
      ["/a", "o.test/evil", "BadOrigin"],
      ["/a", "o.test,p.test", "BadOrigin"],
      ["http://u:p@o.test/a", "c", "BadOrigin"],
      ["http://@o.test/a", "c", "BadOrigin"],
      ["http:///a", "c", "NoOrigin"],
      ["ftp://o.test/a", "c", "NotHttp"],
      ["*", "o.test", "NotAPath"],
      ["a", "o.test", "NotAPath"],
      ["/a#b", "o.test", "BadBytes"],
      ["/\u00e4", "o.test", "BadBytes"],
      ["/a b", "o.test", "BadBytes"],
      [`/${"a".repeat(4096)}`, "o.test", "TooLong"]
    ])
    assert.deepStrictEqual(found, expected)
  })

  it("refuses two Host headers, also alike ones", () => {
    assert.strictEqual(shown(of("/a", "o.test", "o.test")), "TwoHosts")
  })
})
