import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as CacheHost from "../src/CacheHost.ts"

const named = (entry: string) => {
  const place = CacheHost.parse(entry)
  return place === undefined ? undefined : CacheHost.nameOf(place)
}

describe("The name of a cache server", () => {
  it("is a name or an address, with a port and https where that is said", () => {
    const table: ReadonlyArray<readonly [string, string]> = [
      ["cache", "http://cache"],
      ["Cache.Example.", "http://cache.example"],
      ["cache:8080", "http://cache:8080"],
      ["https://cache", "https://cache"],
      ["HTTPS://cache:443/", "https://cache"],
      ["http://cache:443", "http://cache:443"],
      ["10.0.0.1", "http://10.0.0.1"],
      ["10.0.0.1:81", "http://10.0.0.1:81"],
      ["fd00::1", "http://[fd00::1]"],
      ["[fd00:0::1]:8443", "http://[fd00::1]:8443"],
      ["https://[fd00::1]", "https://[fd00::1]"],
      ["my_cache-1.lan", "http://my_cache-1.lan"]
    ]
    for (const [entry, name] of table) assert.strictEqual(named(entry), name)
  })

  it("is nothing that leads elsewhere, stands for many, or is no host", () => {
    for (const entry of [
      "",
      " ",
      "cache/path",
      "http://cache/x",
      "http://user@cache",
      "user:password@cache",
      "ftp://cache",
      "cache:0",
      "cache:65536",
      "cache:99999999",
      "cache:",
      "ca che",
      "cache?x",
      "cache#x",
      "-cache",
      "cache..lan",
      "a\u0000b",
      "cäche",
      "0.0.0.0",
      "255.255.255.255",
      "224.0.0.251",
      "1.2.3",
      "1.2.3.256",
      "0x7f.0x1",
      "::",
      "[::]:80",
      "ff02::fb",
      "::ffff:10.0.0.1",
      "fe80::1%eth0",
      "[fd00::1",
      "fd00::1]:80",
      "http://fd00::1",
      `${"a".repeat(64)}.lan`,
      `${"a.".repeat(127)}toolong`,
      "x".repeat(100_000)
    ]) {
      assert.isUndefined(CacheHost.parse(entry), JSON.stringify(entry.slice(0, 40)))
    }
  })

  it.prop("is read back as it was written, whatever text it came from", [Schema.String], ([text]) => {
    const place = CacheHost.parse(text)
    if (place !== undefined) assert.deepStrictEqual(CacheHost.parse(CacheHost.nameOf(place)), place)
  })

  it("tells the device itself from others", () => {
    for (const host of ["localhost", "a.localhost", "127.9.9.9", "::1"]) assert.isTrue(CacheHost.isLoopback({ host }))
    for (const host of ["localhost.lan", "10.0.0.1", "fd00::1"]) assert.isFalse(CacheHost.isLoopback({ host }))
  })
})
