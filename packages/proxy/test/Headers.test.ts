import { assert, describe, it } from "@effect/vitest"
import * as Headers from "../src/Headers.ts"

const lines = (...blocks: ReadonlyArray<string>) =>
  blocks
    .join("\n")
    .split("\n")
    .flatMap((line) => line.split(": "))

describe("Headers", () => {
  it("go on in their order and letters, but for those between neighbours and those that Connection names", () => {
    const raw = lines(
      "X-B: 2\nConnection: close, X-Hop\nx-a: 1\nX-Hop: h\nKeep-Alive: timeout=5\nProxy-Connection: keep-alive",
      "Proxy-Authorization: Basic eA==\nTE: trailers\nX-B: 3\nUpgrade: websocket\nTransfer-Encoding: chunked\nTrailer: X-T"
    )
    assert.deepStrictEqual(Headers.flat(Headers.endToEnd(raw)), ["X-B", "2", "x-a", "1", "X-B", "3", "Trailer", "X-T"])
    assert.deepStrictEqual(Headers.flat(Headers.endToEnd(["Host", "h", "A", "1"], new Set(["host"]))), ["A", "1"])
  })
  it("say whether they have been here", () => {
    assert.isTrue(Headers.hasPassed("1.0 fred, 1.1 piecework-1 (x)", "piecework-1"))
    assert.isFalse(Headers.hasPassed("1.1 piecework-12", "piecework-1"))
    assert.isFalse(Headers.hasPassed(undefined, "piecework-1"))
    assert.strictEqual(Headers.hops("1.0 a, 1.1 b"), 2)
  })
})
