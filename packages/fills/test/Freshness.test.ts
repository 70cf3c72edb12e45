import { assert, it } from "@effect/vitest"
import { judge, mayBeStale, refusedFor } from "../src/Freshness.ts"

const now = Date.parse("Sat, 21 Nov 2026 12:00:00 GMT")
const date = (seconds: number) => new Date(now + seconds * 1000).toUTCString()

const judged = (headers: Record<string, string>) => {
  const { freshUntil, notKept } = judge(new Map(Object.entries(headers)), now)
  return notKept ?? (freshUntil - now) / 1000
}

{
  const cases: ReadonlyArray<readonly [string, Record<string, string>, number]> = [
    ["as long as max-age says", { "cache-control": "public, max-age=60" }, 60],
    ["as long as s-maxage says, which is for caches", { "cache-control": "max-age=60, s-maxage=600" }, 600],
    ["by the first of two", { "cache-control": "max-age=60, max-age=600" }, 60],
    ["with quotes and capitals", { "cache-control": 'Max-Age="60"' }, 60],
    ["less its age", { "cache-control": "max-age=60", age: "45" }, 15],
    ["less the time since its date", { "cache-control": "max-age=60", date: date(-20) }, 40],
    ["not at all past its age", { "cache-control": "max-age=60", age: "100" }, 0],
    ["not at all when max-age is no number", { "cache-control": "max-age=soon" }, 0],
    ["not at all when it is negative", { "cache-control": "max-age=-1" }, 0],
    ["a year at most", { "cache-control": "max-age=999999999999" }, 31_536_000],
    ["until it expires by its server's clock", { expires: date(400), date: date(300) }, 100],
    ["not at all when that is no date", { expires: "0" }, 0],
    ["by max-age before the date", { expires: date(400), "cache-control": "max-age=5" }, 5],
    ["not at all with no-cache", { "cache-control": "no-cache, max-age=60" }, 0],
    ["not at all with the old form of it", { pragma: "no-cache" }, 0],
    ["for a tenth of its file's age", { "last-modified": date(-1000) }, 100],
    ["for a day at most by that", { "last-modified": date(-100_000_000) }, 86_400],
    ["for a minute when nothing is said", {}, 60],
    ["whatever codings it varies by", { vary: "Accept-Encoding, origin", "cache-control": "max-age=60" }, 60]
  ]
  for (const [sentence, headers, seconds] of cases) {
    it(`counts an answer as fresh ${sentence}`, () => assert.strictEqual(judged(headers), seconds))
  }
}

{
  const cases: ReadonlyArray<readonly [string, Record<string, string>, string]> = [
    ["that must not be stored", { "cache-control": "max-age=60, no-store" }, "NoStore"],
    ["that is for one client", { "cache-control": "PRIVATE" }, "Private"],
    ["that differs by what is asked", { vary: "Accept-Language" }, "Varies"],
    ["that differs by anything", { vary: "*" }, "Varies"],
    ["that sets a cookie", { "set-cookie": "a=b" }, "SetsCookie"]
  ]
  for (const [sentence, headers, why] of cases)
    it(`keeps nothing ${sentence}`, () => assert.isTrue(judged(headers) === why))
}

it("answers past its time only what its server did not forbid", () => {
  for (const directive of ["must-revalidate", "proxy-revalidate", "s-maxage=5", "no-cache"]) {
    assert.isFalse(mayBeStale(new Map([["cache-control", `max-age=5, ${directive}`]])))
  }
  assert.isTrue(mayBeStale(new Map([["cache-control", "max-age=5"]])))
  assert.isTrue(mayBeStale(new Map()))
})

it("keeps a refusal as long as its server says, and does not guess", () => {
  assert.strictEqual(refusedFor(new Map([["cache-control", "max-age=5"]]), now), 5000)
  assert.strictEqual(refusedFor(new Map([["cache-control", "no-store"]]), now), 0)
  assert.isUndefined(refusedFor(new Map([["last-modified", date(-1000)]]), now))
})
