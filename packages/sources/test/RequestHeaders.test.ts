import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as RequestHeaders from "../src/RequestHeaders.ts"

const refusal = (lines: ReadonlyArray<string>) => {
  const parsed = RequestHeaders.parse(lines)
  return Result.isFailure(parsed) ? parsed.failure.reason : "taken"
}

describe("Headers of a caller", () => {
  it("are lines; those of one name become one, cookies in their own way", () => {
    const lines = ["X-Own: 1", "cookie: a=b", "x-own:2", "Cookie: c=d", "Empty:"]
    assert.deepStrictEqual(Result.getOrThrow(RequestHeaders.parse(lines)), {
      "X-Own": "1, 2",
      cookie: "a=b; c=d",
      Empty: ""
    })
  })

  for (const [name, lines, reason] of [
    ["a line without a colon", ["hello"], "Malformed"],
    ["a line without a name", [": x"], "Malformed"],
    ["a name with a space", ["X Y: 1"], "Malformed"],
    ["a value over two lines", ["X: 1\r\nHost: evil"], "Malformed"],
    ["a character that a header cannot have", ["X: \u2603"], "Malformed"],
    ["what says how much is wanted", ["Range: bytes=0-1"], "Reserved"],
    ["what makes an answer depend on versions", ["If-None-Match: *"], "Reserved"],
    ["another host", ["HOST: evil"], "Reserved"],
    ["another length", ["Content-Length: 5"], "Reserved"],
    ["a wish for encoded bytes", ["Accept-Encoding: br"], "Reserved"],
    ["what is meant for a proxy", ["Proxy-Authorization: Basic x"], "Reserved"],
    ["too many", Array.from({ length: 51 }, (_, n) => `X-${n}: 1`), "TooMany"],
    ["too long ones", ["X: ".padEnd(9000, "x")], "TooLong"]
  ] as const) {
    it(`may not be ${name}`, () => assert.strictEqual(refusal(lines), reason))
  }

  it("do not show their values when they are refused", () => {
    const parsed = RequestHeaders.parse(["Authorization: sec\u2603ret"])
    assert.isTrue(Result.isFailure(parsed))
    if (Result.isFailure(parsed)) assert.notInclude(parsed.failure.message, "sec")
  })
})
