import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Peer } from "@piecework/domain"
import * as Activity from "../src/Activity.ts"
import { Board } from "../src/Board.ts"
import * as Bulletin from "../src/Bulletin.ts"
import * as Inside from "../src/Inside.ts"
import { SwarmActor, Memory } from "../src/SwarmActor.ts"
import { numberOf, Sketch, size } from "../src/Sketch.ts"
import * as SwarmConfig from "../src/SwarmConfig.ts"
import { here, idOf, joining, rules, swarmOf, there, type Told } from "./Joining.ts"

const mib = 1_048_576

/** What a device says after so many MiB from the origin, and from neighbours of its LAN. */
const after = (origin: number, lan: number, more?: Told): Told => ({
  event: "Periodic",
  contentSize: 100 * mib,
  left: (100 - origin - lan) * mib,
  downloaded: (origin + lan) * mib,
  downloadedCdn: origin * mib,
  downloadedPeers: { linkLocal: 0, lan: lan * mib, group: 0, internet: 0 },
  ...more
})

const feeding = (n: number, bytes: number) => ({ peerId: idOf(n), bytes })

const heard = (joins: ReadonlyArray<readonly [seconds: number, told: Told]>) =>
  joins.reduce<Activity.Activity | undefined>(
    (before, [seconds, told]) => Activity.heard(before, joining(1, told), seconds * 1000),
    undefined
  )

describe("What a member receives", () => {
  it("is a rate from its second join on: what came since the first, a second", () => {
    assert.deepStrictEqual(heard([[0, after(1, 0)]])?.rate, [0, 0, 0, 0, 0, 0, 0])
    const second = heard([
      [0, after(1, 0)],
      [4, after(5, 8)]
    ])
    assert.deepStrictEqual(second?.rate, [mib, 0, 2 * mib, 2 * mib, 0, 0, 0])
    assert.deepStrictEqual(second?.bytes, [5 * mib, 0, 8 * mib, 8 * mib, 0, 0, 0])
  })

  it("is told of by clients that do not know the new fields, too: all peers are one kind", () => {
    const old: Told = { event: "Periodic", left: 10, downloaded: 5000, downloadedCdn: 1000, downloadedCache: 500 }
    const told = heard([
      [0, { left: 10 }],
      [2, old]
    ])
    assert.deepStrictEqual(told?.rate, [500, 250, 1750, 0, 0, 0, 0])
    assert.strictEqual(told?.size, 0)
  })

  it("is nothing for one that has everything, whatever it received before", () => {
    const told = heard([
      [0, after(0, 0)],
      [5, after(50, 40)],
      [6, after(50, 50, { fedBy: [feeding(7, 10 * mib)] })]
    ])
    assert.deepStrictEqual(told?.rate, [0, 0, 0, 0, 0, 0, 0])
    assert.deepStrictEqual(told?.fedBy, [{ ...feeding(7, 10 * mib), rate: 0 }])
    assert.isUndefined(heard([[0, { left: 0 }]]), "and one that only gives is not followed")
  })

  it("comes from those that it names, those that gave most first, also when joins follow each other closely", () => {
    const told = heard([
      [0, after(0, 0)],
      [2, after(0, 6, { fedBy: [feeding(2, 2 * mib), feeding(3, 4 * mib)] })],
      [2.5, after(0, 9, { fedBy: [feeding(2, 3 * mib)] })]
    ])
    assert.deepStrictEqual(
      told?.fedBy.map(({ bytes, peerId }) => [peerId, bytes]),
      [
        [idOf(2), 5 * mib],
        [idOf(3), 4 * mib]
      ]
    )
    assert.strictEqual(told?.rate[2], 3 * mib, "a rate over half a second would be an accident")
  })

  it("names each of them once, however often a join does", () => {
    const told = heard([
      [0, after(0, 0)],
      [2, after(0, 6, { fedBy: [feeding(2, mib), feeding(3, 4 * mib), feeding(2, mib)] })]
    ])
    assert.deepStrictEqual(told?.fedBy, [
      { ...feeding(3, 4 * mib), rate: 2 * mib },
      { ...feeding(2, 2 * mib), rate: mib }
    ])
  })

  it("begins anew with its counters", () => {
    const told = heard([
      [0, after(0, 0)],
      [5, after(50, 0)],
      [9, after(1, 0, { event: "Started" })]
    ])
    assert.deepStrictEqual([told?.rate[0], told?.bytes[0]], [0, mib])
  })

  it("is no more than 1 TiB of each kind, whatever a member says", () => {
    const told = heard([
      [0, after(0, 0)],
      [1, { ...after(0, 0), downloaded: Number.MAX_SAFE_INTEGER, downloadedCdn: Number.MAX_SAFE_INTEGER }]
    ])
    assert.deepStrictEqual([told?.bytes[0], told?.rate[0]], [2 ** 40, 2 ** 40])
  })
})

const sumsOf = ({ sums }: ReturnType<typeof swarmOf>) => ({
  ...sums,
  bytes: [...sums.bytes],
  rate: [...sums.rate]
})

describe("The sums of a swarm", () => {
  const nothing = { members: 0, complete: 0, bytes: [0, 0, 0, 0, 0, 0, 0], rate: [0, 0, 0, 0, 0, 0, 0] }

  it("are those of its members as they join, change and leave, down to nothing", () => {
    const state = swarmOf([joining(1), joining(2), [joining(3), there]])
    for (const n of [1, 2, 3]) state.join(joining(n, after(n, n)), n === 3 ? there : here, 2000)
    state.join(joining(2, after(50, 50, { event: "Completed" })), here, 4000)
    const { bytes, complete, members, rate } = sumsOf(state)
    assert.deepStrictEqual([members, complete, state.countSites()], [3, 1, 2])
    assert.deepStrictEqual(bytes.slice(0, 4), [54 * mib, 0, 54 * mib, 54 * mib])
    assert.strictEqual(rate[0], 2 * mib, "two go on, of which one had 1 MiB in two seconds and the other 3")
    for (const n of [1, 2]) state.leave(idOf(n), here)
    state.leave(idOf(3), there)
    assert.deepStrictEqual(sumsOf(state), nothing)
    state.clear()
    assert.deepStrictEqual(sumsOf(state), nothing)
  })

  it("leave out whom there is no room to follow, and follow others once some have left", () => {
    const followed = { most: 1, count: 0 }
    const state = swarmOf([joining(1), joining(2)], { rules: rules({ followed }) })
    assert.deepStrictEqual([followed.count, state.sums.members], [1, 2])
    state.leave(idOf(1), here)
    state.join(joining(2, after(1, 0)), here, 1000)
    assert.strictEqual(followed.count, 1)
    state.clear()
    assert.strictEqual(followed.count, 0)
  })
})

describe("A swarm from inside", () => {
  const state = swarmOf([joining(1), joining(2), [joining(3), there], joining(4, { left: 0, profile: 0x300 })])
  state.join(joining(1, after(10, 6, { fedBy: [feeding(4, 4 * mib), feeding(3, 2 * mib)] })), here, 2000)
  state.join(joining(3, after(1, 1, { fedBy: [feeding(1, mib), feeding(99, mib)] })), there, 2000)
  const look = (page: Partial<Inside.Page>) => Inside.look(state, { most: 100, ...page }, 3, 2000)

  it("says who feeds whom, and what each gives", () => {
    const { members } = look({})
    const edges = members.flatMap(({ fedBy, peerId }) => fedBy.map((one) => [one.peerId, peerId, one.bytes, one.rate]))
    assert.deepStrictEqual(edges, [
      [idOf(4), idOf(1), 4 * mib, 2 * mib],
      [idOf(3), idOf(1), 2 * mib, mib],
      [idOf(1), idOf(3), mib, mib / 2],
      [idOf(99), idOf(3), mib, mib / 2]
    ])
    assert.deepStrictEqual(
      members.map(({ gives }) => gives),
      [mib / 2, 0, mib, 2 * mib]
    )
  })

  it("says how far each is, and of one that only gives that it has everything", () => {
    const { members } = look({})
    assert.deepStrictEqual(
      members.map(({ percent }) => percent),
      [16, undefined, 2, 100]
    )
    assert.deepStrictEqual(members[0]?.rate?.lan, 3 * mib)
  })

  it("sums up sites, and what goes between them and within each", () => {
    const { figures, flows, leasedPieces, sites } = look({})
    assert.deepStrictEqual(
      sites.map(({ bytes, complete, members, site }) => [site, members, complete, bytes.peers]),
      [
        [here, 3, 1, 6 * mib],
        [there, 1, 0, mib]
      ]
    )
    assert.deepStrictEqual(
      flows.map(({ bytes, from, to }) => [from, to, bytes]),
      [
        [here, here, 4 * mib],
        [there, here, 2 * mib],
        [here, there, mib]
      ]
    )
    assert.deepStrictEqual([figures.sites, figures.members, leasedPieces], [2, 4, 3])
  })

  it("has members by pages, and of one site", () => {
    const first = look({ most: 3 })
    assert.deepStrictEqual(
      first.members.map(({ peerId }) => peerId),
      [idOf(1), idOf(2), idOf(3)]
    )
    assert.strictEqual(first.next, idOf(3))
    const second = look({ most: 3, after: first.next })
    assert.deepStrictEqual(
      second.members.map(({ peerId }) => peerId),
      [idOf(4)]
    )
    assert.isUndefined(second.next)
    assert.deepStrictEqual(
      look({ site: there }).members.map(({ peerId }) => peerId),
      [idOf(3)]
    )
  })
})

/** Ids as devices make them: any. Multiplied by an odd number, all of these are different. */
const ids = (count: number) =>
  Array.from({ length: count }, (_, n) => Number((BigInt(n + 1) * 0x9e37_79b9_7f4bn) % (1n << 48n)))
const sketchOf = (numbers: ReadonlyArray<number>) => {
  const sketch = new Sketch()
  for (const n of numbers) sketch.add(n)
  return sketch
}

describe("A sketch", () => {
  it("counts exactly as many as it keeps, each once", () => {
    assert.strictEqual(sketchOf([]).count, 0)
    const few = ids(size - 1)
    assert.strictEqual(sketchOf([...few, ...few]).count, size - 1)
  })

  it("is near the count of a hundred times as many, in whatever parts they were counted", () => {
    const many = ids(100_000)
    const one = sketchOf(many)
    assert.closeTo(one.count, 100_000, 5000)
    const parts = [many.slice(0, 60_000), many.slice(40_000)].map((part) => sketchOf(part).numbers)
    assert.strictEqual(sketchOf(parts.flat()).count, one.count)
    assert.isAtMost(one.numbers.length, size)
  })

  it("takes the processes of a device for one", () => {
    const other = `${idOf(1).slice(0, 32)}ffffffff` as Peer.PeerId
    assert.strictEqual(numberOf(idOf(1)), numberOf(other))
  })
})

const config = SwarmConfig.defaults
const actorOf = (joins: ReadonlyArray<ReturnType<typeof joining>>) => {
  const actor = new SwarmActor(1, 0, config, new Memory(config))
  for (const request of joins) actor.join(request, here, 0)
  return actor
}
const contentOf = (n: number) => `DO-${String(n).padStart(43, "a")}`

const bulletinOf = (runner: string, swarms: ReadonlyArray<readonly [string, SwarmActor]>) =>
  Effect.runSync(Bulletin.make(runner, swarms))

describe("The board", () => {
  const small = actorOf([joining(1)])
  const large = actorOf([joining(1), joining(2, { left: 0 })])
  const idle = actorOf([])

  it("puts together what the processes say, and leaves out swarms of nobody", () => {
    const board = new Board()
    board.hear(
      bulletinOf("one", [
        [contentOf(1), small],
        [contentOf(2), idle]
      ]),
      0
    )
    board.hear(bulletinOf("two", [[contentOf(3), large]]), 1)
    const { complete, devices, members, runners, swarms } = board.totals(10)
    assert.deepStrictEqual(
      { complete, devices, members, runners, swarms },
      {
        complete: 1,
        devices: 1,
        members: 3,
        runners: 2,
        swarms: 2
      }
    )
    const { count, lines } = board.list({ skip: 0, most: 10, order: "Members" }, 10)
    assert.deepStrictEqual([count, lines.map(({ swarm }) => swarm)], [2, [contentOf(3), contentOf(1)]])
  })

  it("has pages, and the swarms of one content with those of its groups", () => {
    const board = new Board()
    const many = [4, 5, 6].map((n) => [contentOf(n), small] as const)
    board.hear(bulletinOf("one", [...many, [`${contentOf(5)}/Bonn/2`, large]]), 0)
    const first = board.list({ skip: 0, most: 3, order: "Members" }, 0)
    assert.deepStrictEqual([first.lines.length, first.next], [3, 3])
    const second = board.list({ skip: 3, most: 3, order: "Members" }, 0)
    assert.deepStrictEqual([second.lines.map(({ swarm }) => swarm), second.next], [[contentOf(6)], undefined])
    const contentId = joining(1, { contentId: contentOf(5) as never }).contentId
    const own = board.list({ skip: 0, most: 3, order: "Rate", contentId }, 0)
    assert.deepStrictEqual(
      own.lines.map(({ swarm }) => swarm),
      [contentOf(5), `${contentOf(5)}/Bonn/2`]
    )
  })

  it("forgets a process that says nothing for 15 seconds, and believes the later word on a swarm that moved", () => {
    const board = new Board()
    board.hear(bulletinOf("one", [[contentOf(1), small]]), 0)
    board.hear(bulletinOf("two", [[contentOf(1), large]]), 10_000)
    assert.deepStrictEqual(
      board.list({ skip: 0, most: 9, order: "Members" }, 10_000).lines.map(({ members }) => members),
      [2]
    )
    assert.deepStrictEqual([board.totals(10_000).runners, board.totals(15_001).runners], [2, 1])
    assert.strictEqual(board.totals(40_000).members, 0)
  })

  it("remembers a point every five seconds, twenty minutes of them", () => {
    const board = new Board()
    const bulletin = bulletinOf("one", [[contentOf(1), small]])
    for (let at = 0; at <= 3_600_000; at += 2000) board.hear(bulletin, at)
    const points = board.history(0)
    assert.lengthOf(points, 240)
    assert.isAtLeast((points[1]?.at ?? 0) - (points[0]?.at ?? 0), 5000)
    assert.lengthOf(board.history(points.at(-2)?.at ?? 0), 1)
  })

  it("hears of the largest swarms of a process and the busiest of the others, and counts all", () => {
    const swarms = Array.from({ length: 700 }, (_, n) => [contentOf(n), small] as const)
    const busy = actorOf([joining(1)])
    busy.join(joining(1, after(8, 0)), here, 2000)
    const bulletin = bulletinOf("one", [...swarms, [`${contentOf(999)}z`, busy]])
    assert.deepStrictEqual([bulletin.swarms, bulletin.lines.length], [701, 600])
    assert.include(
      bulletin.lines.map(({ swarm }) => swarm),
      `${contentOf(999)}z`
    )
  })
})
