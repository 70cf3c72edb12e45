import { assert, describe, it } from "@effect/vitest"
import * as RetryAfter from "../src/RetryAfter.ts"

const date = "Sun, 06 Nov 1994 08:49:37 GMT"
const later = "Sun, 06 Nov 1994 08:51:07 GMT"
const now = Date.parse(date)

describe("Retry-After", () => {
  for (const [value, serverDate, expected] of [
    [undefined, undefined, undefined],
    ["0", undefined, 0],
    ["120", undefined, 120_000],
    ["86400", undefined, 600_000],
    ["999999999999", undefined, 600_000],
    ["9999999999999", undefined, undefined],
    [later, undefined, 90_000],
    [later, later, 0],
    [date, later, 0],
    // The server's clock is a minute behind ours.
    [later, "Sun, 06 Nov 1994 08:50:37 GMT", 30_000],
    ["Sun, 06 Nov 2094 08:49:37 GMT", undefined, 600_000],
    ["-5", undefined, undefined],
    ["1.5", undefined, undefined],
    ["soon", undefined, undefined],
    ["Sun, 06 Nov 1994 99:99:99 GMT", undefined, undefined]
  ] as const) {
    it(`${value ?? "that is not there"}${serverDate === undefined ? "" : ` at ${serverDate}`} is ${expected ?? "no"} ms`, () => {
      assert.strictEqual(RetryAfter.parse(value, serverDate, now), expected)
    })
  }
})
