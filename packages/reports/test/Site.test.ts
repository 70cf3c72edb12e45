import { assert, describe, it } from "@effect/vitest"
import * as Site from "../src/Site.ts"

describe("The site of a report", () => {
  const table: ReadonlyArray<readonly [address: string, site: string]> = [
    ["203.0.113.7", "203.0.113.7"],
    ["::ffff:203.0.113.7", "203.0.113.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["192.168.1.7", "private"],
    ["127.0.0.1", "private"],
    ["fd00::7", "private"],
    ["no address", ""]
  ]
  for (const [address, site] of table) {
    it(`from ${address} is "${site}"`, () => {
      assert.strictEqual(Site.of(address), site)
    })
  }
})
