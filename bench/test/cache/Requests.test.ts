import { assert, describe, it } from "@effect/vitest"
import * as Requests from "../../src/cache/Requests.ts"

describe("Requests", () => {
  it("names the origin in the Host header or in the query, whatever query there is", () => {
    assert.deepStrictEqual(Requests.ask("host", "192.168.1.2", "203.0.113.2", "/file?a=1"), {
      url: "http://192.168.1.2/file?a=1",
      headers: ["Host: 203.0.113.2"]
    })
    assert.strictEqual(
      Requests.ask("parameter", "192.168.1.2", "origin:8080", "/file").url,
      "http://192.168.1.2/file?cacheHostOrigin=origin:8080"
    )
    assert.strictEqual(
      Requests.ask("parameter", "192.168.1.2", "origin", "/file?a=1").url,
      "http://192.168.1.2/file?a=1&cacheHostOrigin=origin"
    )
  })
})
