import { assert, it } from "@effect/vitest"
import * as Announcing from "../src/Announcing.ts"

it("is not announced to a network that cannot reach it", () => {
  for (const host of ["127.0.0.1", "::1", "localhost"]) assert.isFalse(Announcing.isReachable(host))
  for (const host of [undefined, "0.0.0.0", "::", "10.0.0.5", "cache.example"]) {
    assert.isTrue(Announcing.isReachable(host))
  }
})
