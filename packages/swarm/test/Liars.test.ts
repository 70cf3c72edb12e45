import { assert, describe, it } from "@effect/vitest"
import { defaults } from "../src/LeasePace.ts"
import { pieceSize, Site } from "./Site.ts"

const began = 1_000_000
const all = (pieces: number) => Array.from({ length: pieces }, (_, piece) => piece)

/**
 * Three honest members get what they have leased within half a second, and from each other one piece in as long; with them
 * somebody asks as the test says. Milliseconds until the three have everything.
 */
const spent = (site: Site, somebody: (site: Site) => void = () => {}, more: Parameters<Site["ask"]>[1] = {}) => {
  const honest = [1, 2, 3]
  let fetched = 0
  for (let step = 0; step < 2_000 && honest.some((one) => site.has(one).size < site.pieces); step++) {
    site.now += 500
    somebody(site)
    for (const n of honest) {
      site.ask(n, { rate: pieceSize, ...more })
      const others = honest.filter((other) => other !== n).flatMap((other) => [...site.has(other)])
      const news = new Set(others.filter((piece) => !site.has(n).has(piece)))
      fetched += site.leased(n).filter((piece) => !site.has(n).has(piece)).length
      site.deliver(n, ...[...news].slice(0, 6))
    }
  }
  return { time: site.now - began, fetched }
}

const pieces = 150
const usual = spent(new Site(pieces))

it("without liars each piece is fetched once", () => {
  assert.strictEqual(usual.fetched, pieces)
  assert.isBelow(usual.time, 30_000)
})

describe("Whoever", () => {
  it("says that it holds everything costs the site eight seconds, once", () => {
    const { time, fetched } = spent(new Site(pieces), (site) => {
      for (const piece of all(pieces)) site.has(9).add(piece)
      site.ask(9, { most: 0 })
    })
    assert.isAtMost(time, usual.time + defaults.barrenAfter + 3_000)
    assert.isAtMost(fetched, pieces + 3)
  })

  it("joined as complete and is gone costs the site eight seconds, once", () => {
    const { time, fetched } = spent(new Site(pieces), undefined, { sources: 1 })
    assert.isAtMost(time, usual.time + defaults.barrenAfter + 3_000)
    assert.isAtMost(fetched, pieces + 3)
  })

  it("takes leases and says at once that it has kept them costs the site seconds, and gets no others into trouble", () => {
    const { time, fetched } = spent(new Site(pieces), (site) => {
      for (let n = 0; n < 4; n++) {
        site.ask(9, { rate: 1e12, most: 256 })
        site.deliver(9)
      }
    })
    assert.isAtMost(time, usual.time + 2 * defaults.barrenAfter)
    assert.isAtMost(fetched, pieces + 10)
  })

  it("says that it is far faster than the others keeps none of them from the last pieces", () => {
    const site = new Site(20)
    for (const n of [1, 2]) {
      site.ask(n, { most: 1 })
      site.deliver(n)
      site.ask(n, { rate: 10 * pieceSize, most: 0 })
    }
    site.ask(9, { most: 1 })
    site.deliver(9)
    site.ask(9, { rate: 1e12, most: 0 })
    for (let piece = 0; piece < 18; piece++) site.has(1).add(piece)
    site.now += defaults.sweep
    assert.isAbove(site.ask(1, { rate: 10 * pieceSize }).length, 0)
  })

  it("says that it keeps leases at once makes no other's lease look late", () => {
    const site = new Site(100)
    // The others take four seconds for each.
    for (let n = 0; n < 6; n++) {
      for (const member of [1, 2, 9]) site.ask(member, { most: 1 })
      site.deliver(9)
      site.ask(9, { most: 0 })
      site.now += 4_000
      for (const member of [1, 2]) {
        site.deliver(member, ...site.has(3 - member))
        site.ask(member, { most: 0 })
      }
    }
    const [piece = -1] = site.ask(1, { most: 1 })
    for (const other of all(100)) if (other !== piece) site.has(2).add(other)
    let waited = 0
    for (; waited < 60 && site.ask(2).length === 0; waited++) {
      site.now += 1_000
      site.ask(1, { most: 0 })
    }
    assert.strictEqual(waited, (defaults.hedgeFactor * 4_000) / 1_000)
    assert.deepStrictEqual(site.leased(2), [piece])
  })

  it("waits for ever though others give changes nothing for those who give", () => {
    const site = new Site(pieces)
    const { time, fetched } = spent(site, () => void site.ask(9, { keep: [], most: 256, rate: 0 }))
    for (const n of [1, 2, 3]) assert.isFalse(site.member(n)?.barren)
    assert.isAtMost(fetched, pieces + 20)
    assert.isAtMost(time, usual.time + 15_000)
  })
})

const doubted = () => {
  const site = new Site(10)
  for (const piece of all(10)) site.has(1).add(piece)
  for (let n = 0; n < 40 && site.leased(2).length === 0; n++) {
    site.now += 500
    site.ask(1, { most: 0 })
    site.ask(2)
  }
  return site
}

describe("A member that nobody got anything from", () => {
  it("counts as holding nothing after eight seconds in which others waited for it", () => {
    const site = doubted()
    assert.isTrue(site.member(1)?.barren)
    assert.isAtLeast(site.now - began, defaults.barrenAfter)
    assert.isAtMost(site.now - began, defaults.barrenAfter + 2 * defaults.sweep)
    assert.deepStrictEqual(
      [...site.leases.holders],
      Array.from({ length: 10 }, () => 0)
    )
  })

  it("counts again once somebody has got something from it", () => {
    const site = doubted()
    site.deliver(2, all(10).find((one) => !site.leased(2).includes(one)) ?? -1)
    assert.deepStrictEqual(site.ask(2), [])
    assert.isFalse(site.member(1)?.barren)
    assert.isAbove(site.leases.holders[9] ?? 0, 0)
  })

  it("is not doubted as long as somebody gets something from it now and then", () => {
    const site = new Site(40)
    for (const piece of all(40)) site.has(1).add(piece)
    for (let n = 0; n < 60; n++) {
      site.now += 500
      if (n % 12 === 11) site.has(2).add(n % 40)
      site.ask(1, { most: 0 })
      site.ask(2)
      assert.isFalse(site.member(1)?.barren)
    }
  })

  it("is not doubted for many short waits", () => {
    const site = new Site(40)
    for (const piece of all(40)) site.has(1).add(piece)
    for (let n = 0; n < 80; n++) {
      site.now += 500
      site.ask(1, { most: 0 })
      site.ask(2, { most: n % 8 < 4 ? 1 : 0 })
      if (site.member(2)?.isolated === true) site.leave(2)
    }
    assert.isFalse(site.member(1)?.barren)
  })

  it("earns no trust with what it says that it has kept", () => {
    const site = doubted()
    const before = site.member(1)?.trust
    site.has(1).clear()
    for (const piece of site.ask(1)) site.has(1).add(piece)
    site.ask(1)
    assert.strictEqual(site.member(1)?.trust, before)
    assert.isFalse(site.member(1)?.hasKept)
  })

  it("is not doubted while nobody waits, nor by itself", () => {
    const site = new Site(4)
    for (const piece of all(3)) site.has(1).add(piece)
    site.ask(2, { keep: [{ first: 3, count: 1 }], most: 0 })
    for (let n = 0; n < 60; n++) {
      site.now += 500
      site.ask(1)
      site.ask(2, { keep: [{ first: 3, count: 1 }], most: 0 })
      if (site.leased(1).length > 0) site.leave(2)
    }
    assert.isFalse(site.member(1)?.barren)
  })
})

it("sources that are gone are not believed again because a piece comes that is leased to another", () => {
  const site = new Site(40)
  for (let n = 0; n < 40 && site.ask(1, { sources: 1, most: 1 }).length === 0; n++) site.now += 500
  const [piece = -1] = site.leased(1)
  site.ask(2, { sources: 1, most: 1 })
  assert.isTrue(site.leases.sourcesBarren)
  // It had begun to fetch it before, and comes with it late.
  site.has(2).add(piece)
  site.ask(2, { sources: 1, most: 0 })
  assert.isTrue(site.leases.sourcesBarren)
  // This one can only come from the sources.
  site.has(2).add(39)
  site.ask(2, { sources: 1, most: 0 })
  assert.isFalse(site.leases.sourcesBarren)
})

it("sources are not doubted as long as somebody gets something from them now and then", () => {
  const site = new Site(40)
  for (let n = 0; n < 60; n++) {
    site.now += 500
    if (n % 12 === 11) for (const member of [1, 2]) site.has(member).add(n % 40)
    assert.deepStrictEqual([...site.ask(1, { sources: 1 }), ...site.ask(2, { sources: 1 })], [])
  }
})

describe("A member that may not upload", () => {
  it("is not counted for what it holds", () => {
    const site = new Site(4)
    for (const piece of all(4)) site.has(1).add(piece)
    site.ask(1, { gives: false, most: 0 })
    assert.deepStrictEqual(site.ask(2), [0])
  })

  it("fetches nothing that others would fetch for it, and everything when there are none", () => {
    const site = new Site(4)
    site.ask(2, { most: 1 })
    assert.deepStrictEqual(site.ask(1, { gives: false }), [])
    site.leave(2)
    assert.deepStrictEqual(site.ask(1, { gives: false }), [0, 1])
  })

  it("is counted as soon as it may", () => {
    const site = new Site(4)
    site.has(1).add(0)
    site.ask(1, { gives: false, most: 0 })
    site.ask(1, { most: 0 })
    assert.strictEqual(site.leases.holders[0], 1)
    site.ask(1, { gives: false, most: 0 })
    assert.strictEqual(site.leases.holders[0], 0)
  })
})

it("a service that forgot waits for all also if a newcomer comes first", () => {
  const site = new Site(100)
  site.ask(1)
  site.forget()
  assert.strictEqual(site.ask(2).length, 2)
  assert.deepStrictEqual(site.ask(1, { keep: [{ first: 50, count: 1 }], most: 5 }), [50])
  assert.deepStrictEqual(site.ask(3), [])
  site.now += defaults.settle
  assert.strictEqual(site.ask(3).length, 2)
})

it("an ask is quick also where every second piece is held", () => {
  const site = new Site(262_144)
  for (let piece = 0; piece < 262_144; piece += 2) site.has(1).add(piece)
  site.ask(1, { seq: 1, most: 0 })
  site.now += defaults.settle
  const start = spentMillis()
  for (let n = 0; n < 10; n++) site.ask(2, { seq: 1, most: 256, rate: 1e12, keep: [] })
  assert.strictEqual(site.leased(2).length, defaults.windowFirst)
  // A tenth of this on a machine with nothing else to do. A look at all pieces for each lease would take three times as much.
  assert.isBelow(spentMillis() - start, 800)
})

/** Milliseconds of processor time that this thread has had: what else runs on the machine is not in it. */
const spentMillis = (): number => {
  const { system, user } = process.threadCpuUsage()
  return (user + system) / 1000
}
