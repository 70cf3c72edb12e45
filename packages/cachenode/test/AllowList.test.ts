import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as AllowList from "../src/AllowList.ts"
import * as RequestForm from "../src/RequestForm.ts"
import { allow } from "./Scene.ts"

/** The URL at the origin, or "no". */
const url = (list: AllowList.AllowList, text: string): string => {
  const origin = RequestForm.authority(text)
  const entry = origin === undefined ? undefined : AllowList.find(list, origin)
  return origin === undefined || entry === undefined ? "no" : AllowList.urlOf(entry, origin, "/p?q")
}

const table = (list: AllowList.AllowList, rows: ReadonlyArray<readonly [origin: string, expected: string]>) => ({
  found: rows.map(([origin]) => [origin, url(list, origin)]),
  expected: rows.map((row) => Array.from(row))
})

describe("AllowList", () => {
  it("knows a name on its usual port only", () => {
    const { expected, found } = table(allow("o.test", "p.test:8080"), [
      ["o.test", "http://o.test/p?q"],
      ["O.TEST.", "http://o.test/p?q"],
      ["o.test:80", "http://o.test/p?q"],
      ["o.test:443", "no"],
      ["o.test:81", "no"],
      ["a.o.test", "no"],
      ["xo.test", "no"],
      ["p.test", "no"],
      ["p.test:8080", "http://p.test:8080/p?q"]
    ])
    assert.deepStrictEqual(found, expected)
  })

  it("knows the names below a suffix, not the suffix itself", () => {
    const { expected, found } = table(allow("*.o.test"), [
      ["a.o.test", "http://a.o.test/p?q"],
      ["b.a.o.test", "http://b.a.o.test/p?q"],
      ["o.test", "no"],
      ["xo.test", "no"],
      ["a.o.test:8080", "no"]
    ])
    assert.deepStrictEqual(found, expected)
  })

  it("asks the origin by TLS where the entry says so, whichever way the client asks", () => {
    const { expected, found } = table(allow("https://o.test", "https://*.p.test:8443", "o.test"), [
      ["o.test", "https://o.test/p?q"],
      ["o.test:443", "https://o.test/p?q"],
      ["o.test:80", "http://o.test/p?q"],
      ["a.p.test:8443", "https://a.p.test:8443/p?q"],
      ["a.p.test", "no"]
    ])
    assert.deepStrictEqual(found, expected)
  })

  it("lets all names through for *, on any port, but nothing of this machine or its link", () => {
    const { expected, found } = table(allow("*"), [
      ["o.test:8080", "http://o.test:8080/p?q"],
      ["192.0.2.7", "http://192.0.2.7/p?q"],
      ["[2001:db8::7]", "http://[2001:db8::7]/p?q"],
      ["localhost", "no"],
      ["127.0.0.1", "no"],
      ["127.1", "no"],
      ["[::1]", "no"],
      ["[::ffff:127.0.0.1]", "no"],
      ["169.254.169.254", "no"],
      ["[fe80::1]", "no"],
      ["0.0.0.0", "no"]
    ])
    assert.deepStrictEqual(found, expected)
  })

  it("lets an address of this machine through where it is named", () => {
    const { expected, found } = table(allow("127.0.0.1:8080"), [
      ["127.0.0.1:8080", "http://127.0.0.1:8080/p?q"],
      ["127.0.0.1", "no"]
    ])
    assert.deepStrictEqual(found, expected)
  })

  it("says which entry cannot be read", () => {
    for (const entry of [
      "",
      "http://",
      "ftp://o.test",
      "o.test/path",
      "u@o.test",
      "o.test:x",
      "*.",
      "*.1.2.3.4",
      "**"
    ]) {
      const parsed = AllowList.parse(["o.test", entry])
      assert.isTrue(Result.isFailure(parsed), entry)
      if (Result.isFailure(parsed)) assert.strictEqual(parsed.failure.entry, entry)
    }
  })

  it("lets nothing through when it is empty", () => {
    const { expected, found } = table([], [["o.test", "no"]])
    assert.deepStrictEqual(found, expected)
  })
})
