import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Crew from "../src/Crew.ts"
import * as Report from "../src/Report.ts"
import type { Scene } from "../src/Scene.ts"
import * as Summary from "../src/Summary.ts"
import * as World from "../src/World.ts"

const scene = (changes: Partial<Scene> = {}): Scene => ({
  sites: 1,
  devices: 10,
  bytes: 40_000_000,
  wan: 100e6,
  lan: 1e9,
  rttMillis: 20,
  staggerMillis: 0,
  churn: 0,
  leases: true,
  connections: 10,
  group: false,
  seed: 1,
  ...changes
})

/** In this thread, without the sums of bytes that came and of what became of them coming apart. */
const simulate = (changes: Partial<Scene> = {}): Report.Report => {
  const all = scene(changes)
  const report = Report.of(all, Effect.runSync(Crew.run(all, 0)))
  const { fromOrigin, fromSite, fromOtherSites, wasted } = report.bytes
  assert.strictEqual(report.complete, all.sites * all.devices)
  assert.strictEqual(fromOrigin + fromSite + fromOtherSites, report.devices * all.bytes + wasted)
  return report
}

describe("a simulated fleet", () => {
  it("gives a lone device the file at the rate of the line", () => {
    const { copies, overIdeal, bytes } = simulate({ devices: 1 })
    assert.deepStrictEqual(copies.sites, [1])
    assert.strictEqual(bytes.wasted, 0)
    assert.isAtLeast(overIdeal?.last ?? 0, 1)
    assert.isBelow(overIdeal?.last ?? 9, 1.05)
  })

  it("carries one copy over the line of each site", () => {
    const { copies, overIdeal, bytes } = simulate({ sites: 2, devices: 5 })
    assert.lengthOf(copies.sites, 2)
    assert.isAtMost(copies.most, 1.03)
    assert.isAtMost(overIdeal?.last ?? 9, 1.2)
    assert.strictEqual(bytes.fromOtherSites, 0)
  })

  it("is the same for the same seed, and not for another", () => {
    const churn = { sites: 2, churn: 0.3 }
    const report = simulate(churn)
    assert.deepStrictEqual(simulate(churn), report)
    assert.notDeepEqual(simulate({ ...churn, seed: 2 }).seconds, report.seconds)
  })

  it.effect("is the same on several threads", () =>
    Effect.gen(function* () {
      const all = scene({ sites: 3, devices: 4 })
      assert.deepStrictEqual(yield* Crew.run(all, 2), yield* Crew.run(all, 0))
    })
  )

  it("ends with everybody complete though many are killed in the middle", () => {
    const { bytes, commands } = simulate({ churn: 0.5, devices: 20 })
    assert.isAbove(bytes.wastedBy["Killed"] ?? 0, 0)
    assert.strictEqual(commands.by["Finished"], 20)
  })

  it("ends without leases, for more than one copy", () => {
    const { copies, leaseAsks, commands } = simulate({ leases: false, devices: 20 })
    assert.strictEqual(leaseAsks, 0)
    assert.isUndefined(commands.by["Fetch Leased"])
    assert.isAbove(commands.by["Fetch OwnShare"] ?? 0, 0)
    assert.isAtMost(copies.most, 1.6)
  })

  it("serves those that come late from those that have it", () => {
    const { copies, overIdeal } = simulate({ staggerMillis: 4000, devices: 5 })
    assert.isAtMost(copies.most, 1.1)
    assert.isBelow(overIdeal?.median ?? 9, 0.5)
  })

  it("lets the sites of a group give each other pieces, over their lines", () => {
    const { bytes, copies } = simulate({ sites: 2, devices: 3, group: true })
    assert.isAbove(bytes.fromOtherSites, 0)
    assert.isAtMost(copies.most, 1.03)
  })

  it("ends by itself when there is no end in sight", () => {
    const outcome = World.run(scene({ rttMillis: 1e9 }), [0])
    assert.isTrue(outcome.sites.every((site) => site.finished.every((time) => time === undefined)))
  })

  it("becomes a table in which nothing is missing", () => {
    const table = Summary.render(simulate({ churn: 0.3 })).join("\n")
    assert.match(table, /finished, last +\d+\.\d s, \d\.\d{3} × ideal/)
    assert.match(table, /copies over a site's line +1\.\d{4} in the median/)
    assert.notMatch(table, /undefined|NaN/)
  })
})
