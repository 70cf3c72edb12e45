import { assert, describe, it } from "@effect/vitest"
import type { Complaint } from "@piecework/cloud/ArrayRpcs"
import * as Complaints from "../src/Complaints.ts"
import type { SwarmState } from "../src/SwarmState.ts"
import { here, idOf, joining, numbersOf, swarmOf, type Told } from "./Joining.ts"

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)
const about = (n: number, reason: Complaint["reason"] = "Unreachable"): Told => ({
  complaints: [{ peerId: idOf(n), reason }]
})
const internet = { scope: "Internet" } as const
const siteOf = (n: number) => `198.51.100.${n}`

/** Of 200 joins of `asker`, how many are handed member 0, when there are ten times as many as wanted. */
const timesHanded = (state: SwarmState, asker: number, told: Told, from: string, now = 1): number =>
  upTo(200).filter(() => numbersOf(state.join(joining(asker, { peersWanted: 4, ...told }), from, now)).includes(0))
    .length

/** 40 of one site. A member that nobody says anything against is in a tenth of the handouts. */
const site = () => swarmOf(upTo(40).map((n) => joining(n)))
/** 40 at 40 sites. */
const sites = () => swarmOf(upTo(40).map((n) => [joining(n, internet), siteOf(n)] as const))

describe("A member that others complain about", () => {
  it("is in as many handouts as others while nobody does", () => {
    const times = timesHanded(site(), 41, {}, here)
    assert.isTrue(times >= 15 && times <= 25, String(times))
  })

  it("is in an eighth of them once one of its site does, for all of the site", () => {
    const state = site()
    state.join(joining(1, about(0)), here, 1)
    const times = timesHanded(state, 41, {}, here)
    assert.isTrue(times >= 1 && times <= 8, String(times))
  })

  it("is handed out last, but handed out, where there is room", () => {
    const state = swarmOf(upTo(10).map((n) => joining(n)))
    let last = 0
    for (let n = 0; n < 80; n++) {
      const handed = numbersOf(state.join(joining(1, about(0)), here, 1))
      assert.include(handed, 0)
      if (handed.at(-1) === 0) last++
    }
    assert.isAbove(last, 55)
  })

  it("is where it was as soon as whoever complained does so no more", () => {
    const state = site()
    state.join(joining(1, about(0)), here, 1)
    state.join(joining(1), here, 1)
    assert.isAbove(timesHanded(state, 41, {}, here), 14)
  })

  it("is where it was when whoever complained has not been heard for ten minutes", () => {
    const state = swarmOf(upTo(40).map((n) => joining(n)))
    state.join(joining(1, about(0)), here, 1)
    const later = Complaints.lasting + 2
    for (const n of upTo(40)) if (n !== 1) state.join(joining(n), here, later)
    assert.isAbove(timesHanded(state, 41, {}, here, later), 14)
  })

  it("is where it was when it is somewhere else, unless it gave bad pieces", () => {
    for (const [reason, isForgiven] of [["Unreachable", true] as const, ["Bad", false] as const]) {
      const state = site()
      state.join(joining(1, about(0, reason)), here, 1)
      state.join(joining(0, { port: 7681 }), here, 1)
      assert.strictEqual(timesHanded(state, 41, {}, here) > 10, isForgiven)
    }
  })
})

describe("Complaints", () => {
  it("of other sites count when there are enough of them, an eighth and three at least", () => {
    const state = sites()
    const needed = Complaints.voicesNeeded(41)
    assert.strictEqual(needed, 6)
    for (let n = 1; n < needed; n++) state.join(joining(n, { ...internet, ...about(0) }), siteOf(n), 1)
    assert.isAbove(timesHanded(state, 41, internet, siteOf(41)), 12)
    state.join(joining(needed, { ...internet, ...about(0) }), siteOf(needed), 1)
    assert.isBelow(timesHanded(state, 41, internet, siteOf(41)), 9)
  })

  it("of many devices at one site, or of one under many names, are one voice", () => {
    const state = sites()
    for (let n = 100; n < 150; n++) state.join(joining(n, { ...internet, ...about(0) }), siteOf(99), 1)
    for (let n = 100; n < 150; n++) state.leave(idOf(n), siteOf(99))
    assert.isAbove(timesHanded(state, 41, internet, siteOf(41)), 12)
  })

  it("of strangers that do not get through say nothing to the neighbours, those of bad pieces do", () => {
    for (const [reason, counts] of [["Unreachable", false] as const, ["Bad", true] as const]) {
      const state = swarmOf(upTo(40).map((n) => [joining(n, internet), here] as const))
      for (let n = 100; n < 112; n++) state.join(joining(n, { ...internet, ...about(0, reason) }), siteOf(n), 1)
      assert.strictEqual(timesHanded(state, 41, internet, here) < 9, counts)
    }
  })

  it("of a few liars about everybody leave everybody in the handouts", () => {
    const state = site()
    for (const liar of [1, 2, 3]) {
      const complaints = upTo(16).map((n) => ({ peerId: idOf((liar - 1) * 12 + n + 4), reason: "Bad" }) as const)
      state.join(joining(liar, { complaints }), here, 1)
    }
    const times = new Map<number, number>()
    for (let n = 0; n < 600; n++) {
      for (const one of numbersOf(state.join(joining(50, { peersWanted: 4 }), here, 1))) {
        times.set(one, (times.get(one) ?? 0) + 1)
      }
    }
    for (const n of upTo(40)) assert.isAbove(times.get(n) ?? 0, 0, String(n))
  })

  it("about oneself, about nobody that is there, or twice about one change nothing more", () => {
    const state = site()
    const complaints = [0, 0, 0, 999].map((n) => ({ peerId: idOf(n), reason: "Bad" }) as const)
    state.join(joining(1, { complaints: [...complaints, { peerId: idOf(1), reason: "Bad" }] }), here, 1)
    assert.strictEqual(state.find(idOf(0))?.complaints?.length, 1)
    assert.isUndefined(state.find(idOf(1))?.complaints)
  })

  it("that are kept about one member have a bound, and the latest are among them", () => {
    let kept: ReadonlyArray<Complaints.Complaint> | undefined
    for (let n = 0; n < 100; n++) {
      const complaint = { by: idOf(n), site: `site ${n}`, reason: "Bad", until: 1000 + n } as const
      kept = Complaints.withComplaint(kept, complaint, 0)
    }
    assert.strictEqual(kept?.length, 16)
    assert.isTrue(kept?.every(({ until }) => until >= 1084))
  })
})
