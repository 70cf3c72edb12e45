import { assert, describe, it } from "@effect/vitest"
import { ContentUrl } from "@piecework/domain"
import { Result } from "effect"
import { matches, parse, withoutQuery } from "../src/RulePattern.ts"

const url = (text: string) => Result.getOrThrow(ContentUrl.parse(text))
const origin = "https://repo.example"

const fits: ReadonlyArray<readonly [pattern: string, path: string, fits: boolean]> = [
  ["/debian/*", "/debian/a.deb", true],
  ["/debian/*", "/debian/pool/a.deb", false],
  ["/debian/*", "/debian/", true],
  ["/debian/*", "/debian", false],
  ["/debian/**", "/debian/pool/main/a.deb", true],
  ["/debian/**", "/debian", true],
  ["/debian/**", "/debianx/a", false],
  ["/**/*.iso", "/a/b/c.iso", true],
  ["/**/*.iso", "/c.iso", true],
  ["/**/*.iso", "/c.iso/d", false],
  ["/pool/**/x/*-v*.tar.gz", "/pool/x/y/x/a-v1.tar.gz", true],
  ["/pool/**/x/*-v*.tar.gz", "/pool/x/y/a-v1.tar.gz", false],
  ["/a*b*c", "/abxbc", true],
  ["/a*b*c", "/abxbcd", false],
  // What means something to regular expressions means itself.
  ["/a.b+(c)", "/a.b+(c)", true],
  ["/a.b", "/axb", false],
  ["/**", "/anything/at/all?x=1", true],
  // An encoded slash is none; a way up is gone before anything is matched.
  ["/d/*", "/d/a%2Fb", true],
  ["/d/**", "/d/../etc/a", false],
  ["/d/**", "/d/%2e%2e/a", false]
]

describe("A pattern of URLs", () => {
  for (const [pattern, path, isFit] of fits) {
    it(`${pattern} ${isFit ? "fits" : "does not fit"} ${path}`, () => {
      assert.strictEqual(matches(Result.getOrThrow(parse(origin + pattern)), url(origin + path)), isFit)
    })
  }

  it("is for its own origin alone", () => {
    const pattern = Result.getOrThrow(parse("HTTPS://Repo.Example:443/x/**"))
    assert.strictEqual(pattern.text, "https://repo.example/x/**")
    for (const other of ["http://repo.example/x/a", "https://repo.example:8443/x/a", "https://repo.example.evil/x/a"]) {
      assert.isFalse(matches(pattern, url(other)), other)
    }
    assert.isTrue(matches(pattern, url("https://repo.example/x/a")))
  })

  for (const [text, reason] of [
    ["repo.example/*", "NotAUrl"],
    ["ftp://repo.example/*", "NotAUrl"],
    ["https://*.example/a", "OriginWild"],
    ["https://repo.example:*/a", "OriginWild"],
    ["https://user:secret@repo.example/a", "NotAUrl"],
    ["https://repo.example/a**/b", "StarsInSegment"],
    ["https://repo.example/a?b=*", "Query"],
    [`https://repo.example/${"a".repeat(600)}`, "TooLong"]
  ] as const) {
    it(`is not ${text.slice(0, 40)}`, () => {
      const parsed = parse(text)
      assert.strictEqual(Result.isFailure(parsed) && parsed.failure.reason, reason)
    })
  }

  it("is held against the longest URL in no time, however it is meant", () => {
    const pattern = Result.getOrThrow(parse(`${origin}/${"*a".repeat(100)}/${"**/".repeat(90)}b`))
    const began = spentMillis()
    assert.isFalse(matches(pattern, url(`${origin}/${"a".repeat(2000)}/${"a/".repeat(1000)}`)))
    assert.isBelow(spentMillis() - began, 1000)
  })

  it("leaves the query out where it does not count", () => {
    assert.strictEqual(withoutQuery(url(`${origin}/a?b=1`)), url(`${origin}/a`))
  })
})

/** Milliseconds of processor time that this thread has had: what else runs on the machine is not in it. */
const spentMillis = (): number => {
  const { system, user } = process.threadCpuUsage()
  return (user + system) / 1000
}
