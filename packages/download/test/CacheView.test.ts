import { assert, describe, it } from "@effect/vitest"
import * as CacheView from "../src/CacheView.ts"

const view = (given: Partial<CacheView.CacheView>): string =>
  CacheView.sentence(
    {
      reason: "Asked",
      host: "http://cache",
      provider: "DnsSd",
      failure: undefined,
      until: undefined,
      originFrom: undefined,
      ...given
    },
    (at) => `T${at}`
  )

describe("what is said of cache servers", () => {
  it.each(CacheView.Reason.literals.map((reason) => [reason]))("is one sentence: %s", (reason) => {
    for (const originFrom of [undefined, null, 7]) {
      for (const host of [undefined, "http://cache"]) {
        const text = view({ reason, host, originFrom, failure: "HTTP 403", until: 9 })
        assert.match(text, /^[A-Z].*[^.]\.$/)
        assert.notInclude(text, "undefined")
      }
    }
  })

  it("says from when on the origin is asked, and that it never is", () => {
    const banned = { reason: "Banned", failure: "connection refused", until: 9 } as const
    assert.strictEqual(
      view({ ...banned, originFrom: 7 }),
      "The cache server http://cache is not asked until T9, since it failed (connection refused); the origin is asked from T7 on."
    )
    assert.match(view({ ...banned, originFrom: null }), /the settings say that the origin is never asked\.$/)
    assert.match(view(banned), /; the origin is asked\.$/)
  })

  it("says where it was learnt from", () => {
    assert.include(view({}), "which was found on the local network")
    assert.include(view({ provider: "Service" }), "which the service names")
  })
})
