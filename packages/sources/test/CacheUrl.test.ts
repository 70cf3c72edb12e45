import { assert, describe, it } from "@effect/vitest"
import { ContentUrl } from "@piecework/domain"
import { Result } from "effect"
import * as CacheUrl from "../src/CacheUrl.ts"

const at = (url: string, cache: Partial<CacheUrl.CacheAddress> = {}) =>
  CacheUrl.of({ host: "cache", port: 80, protocol: "http:", ...cache }, Result.getOrThrow(ContentUrl.parse(url)))
const asked = (url: string, cache: Partial<CacheUrl.CacheAddress> = {}): string => Result.getOrThrow(at(url, cache))

describe("the URL at a cache server", () => {
  it.each([
    ["http://origin.example/path/file", "http://cache/path/file?cacheHostOrigin=origin.example"],
    ["http://origin.example", "http://cache/?cacheHostOrigin=origin.example"],
    ["http://origin.example:8080/file", "http://cache/file?cacheHostOrigin=origin.example:8080"],
    ["http://origin.example:80/file", "http://cache/file?cacheHostOrigin=origin.example"],
    ["http://[2001:db8::1]:8080/file", "http://cache/file?cacheHostOrigin=[2001:db8::1]:8080"],
    ["https://origin.example/file", "http://cache/file?cacheHostOrigin=origin.example:443"],
    ["https://origin.example:8443/file", "http://cache/file?cacheHostOrigin=origin.example:8443"],
    ["https://[2001:db8::1]/file", "http://cache/file?cacheHostOrigin=[2001:db8::1]:443"]
  ])("of %s says which origin it is of", (url, expected) => assert.strictEqual(asked(url), expected))

  it.each(["a=1&b=%2F+%20&a=1", "P1=1700000000&sig=a%2Bb%3D%3D", "?", "&&x", "a=b?c=d", "url=http://elsewhere/x/y"])(
    "keeps the query %s as it is",
    (query) =>
      assert.strictEqual(
        asked(`http://origin.example/a/b?${query}`),
        `http://cache/a/b?${query}&cacheHostOrigin=origin.example`
      )
  )

  it("keeps the path as it is, whatever the query looks like", () =>
    assert.strictEqual(
      asked("http://origin.example/a%2Fb//c/%7Ed;v=1"),
      "http://cache/a%2Fb//c/%7Ed;v=1?cacheHostOrigin=origin.example"
    ))

  it("names the cache server by port, by scheme and by address", () => {
    const url = "http://origin.example/file"
    assert.match(asked(url, { port: 8080 }), /^http:\/\/cache:8080\/file\?/)
    assert.match(asked(url, { port: 443, protocol: "https:" }), /^https:\/\/cache\/file\?/)
    assert.match(asked(url, { port: 7443, protocol: "https:" }), /^https:\/\/cache:7443\/file\?/)
    assert.match(asked(url, { host: "fd00::1", port: 8080 }), /^http:\/\/\[fd00::1\]:8080\/file\?/)
  })

  it("is none where the host is none, or it is too long", () => {
    assert.isTrue(Result.isFailure(at("http://origin.example/file", { host: "user@elsewhere" })))
    assert.isTrue(Result.isFailure(at("http://origin.example/file", { host: "a b" })))
    assert.isTrue(Result.isFailure(at(`http://origin.example/${"x".repeat(4060)}`)))
  })
})
