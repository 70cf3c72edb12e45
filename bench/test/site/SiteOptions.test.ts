import { assert, describe, it } from "@effect/vitest"
import * as SiteOptions from "../../src/site/SiteOptions.ts"

describe("SiteOptions", () => {
  it("takes for ideal the time in which the line carries one copy with its frames", () => {
    assert.approximately(SiteOptions.idealSeconds({ bytes: 12_500_000, wan: 100e6 }), 1.0456, 0.0001)
  })
})
