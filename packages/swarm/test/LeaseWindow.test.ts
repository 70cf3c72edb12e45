import { assert, describe, it } from "@effect/vitest"
import { defaults } from "../src/LeasePace.ts"
import { pieceSize, Site } from "./Site.ts"

/** How many pieces the members from 1 to `count` have leased after each has asked for so many. */
const leasedOf = (site: Site, count: number, most: number): number => {
  let sum = 0
  for (let n = 1; n <= count; n++) sum += site.ask(n, { most, rate: 100 * pieceSize }).length
  return sum
}

describe("A site", () => {
  it("has no more leased at first than fills a line, however many ask", () => {
    const site = new Site(1000)
    assert.strictEqual(leasedOf(site, 50, 10), defaults.windowFirst)
  })

  it("has one more leased with each that is kept", () => {
    const site = new Site(1000)
    leasedOf(site, 50, 10)
    const first = [1, 2, 3, 4].find((n) => site.leased(n).length > 0) ?? 0
    const kept = site.leased(first).length
    site.deliver(first)
    assert.strictEqual(leasedOf(site, 50, 10), defaults.windowFirst + kept)
  })

  it("has as many leased as its line brings in four seconds", () => {
    const site = new Site(10_000)
    for (let second = 0; second < 30; second++) {
      // Twenty pieces a second, by four members that always want more.
      for (let n = 1; n <= 4; n++) {
        for (const piece of site.leased(n).slice(0, 5)) site.has(n).add(piece)
        site.ask(n, { most: 256, rate: 5 * pieceSize })
      }
      site.now += 1000
    }
    const leased = [1, 2, 3, 4].reduce((sum, n) => sum + site.leased(n).length, 0)
    assert.isAtMost(leased, (20 * defaults.windowTime) / 1000 + 20)
    assert.isAtLeast(leased, (20 * defaults.windowTime) / 1000 - 20)
  })

  it("has fewer leased when fewer are left, so that the last ones are spread over all", () => {
    const site = new Site(100)
    for (let piece = 0; piece < 70; piece++) site.has(9).add(piece)
    site.ask(9, { most: 0 })
    let free = 30
    for (let round = 0; round < 50 && free > 0; round++) {
      const before = leasedOf(site, 3, 30)
      assert.isAtMost(before, Math.max(defaults.windowFirst, free))
      for (let n = 1; n <= 3; n++) site.deliver(n)
      free = 100 - new Set([1, 2, 3, 9].flatMap((n) => [...site.has(n)])).size
    }
    assert.strictEqual(free, 0)
  })

  it("of one device has as many leased as that can use", () => {
    const site = new Site(10_000)
    for (let n = 0; n < 8; n++) {
      site.ask(1, { rate: 50 * pieceSize, most: 256 })
      site.deliver(1)
    }
    assert.isAbove(site.ask(1, { rate: 50 * pieceSize, most: 256 }).length, defaults.windowFirst + 16)
  })
})
