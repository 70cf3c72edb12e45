/** What reports take, and that it counts once; what they show is in `reportsShown.test.ts`. */
import { assert, describe, it, layer } from "@effect/vitest"
import { DownloadPaused, type ReportEvent } from "@piecework/cloud/ReportRpcs"
import { Context, Duration, Effect, Layer, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as Figures from "../src/Figures.ts"
import { Reports } from "../src/Reports.ts"
import * as ReportsConfig from "../src/ReportsConfig.ts"
import { completed, contentId, day, delivery, eventId, noon } from "./support/events.ts"
import { at, folder, server, storedIn, stores } from "./support/stores.ts"

for (const [name, store] of Object.entries(stores)) {
  const stored = storedIn(store)

  describe(`Reports ${name}`, () => {
    stored("count an event once, however often and in whatever batches it comes", (reports) =>
      Effect.gen(function* () {
        const a = completed({ bytesFromCDN: 100, bytesFromPeers: 10, fileID: contentId(1) })
        const b = completed({ bytesFromCDN: 200, bytesFromPeers: 20, fileID: contentId(2) })
        const c = completed({ bytesFromCDN: 300, bytesFromPeers: 30, fileID: contentId(3) })
        const first = yield* reports.take(delivery([a, b]))
        assert.deepStrictEqual([first.taken, first.refused], [[a.eventId, b.eventId], []])
        yield* Effect.all([reports.take(delivery([b, c])), reports.take(delivery([c, a, b, b]))], {
          concurrency: "unbounded"
        })
        const summary = yield* reports.summary(28)
        assert.deepStrictEqual(
          [summary.BytesFromCDN, summary.BytesFromPeers, summary.BytesFetched, summary.TotalTransfers],
          [600, 60, 660, 3]
        )
        assert.deepStrictEqual([summary.DeviceCount, summary.DevicesPeeringOn], [1, 1])
        assert.deepStrictEqual([summary.BWOptPercent28Days, summary.Efficiency], [9.09, "Error"])
        const contents = yield* reports.contents({ days: 28, most: 2 })
        assert.deepStrictEqual(
          contents.map(({ BytesFetched, ContentId, DeviceCount }) => [ContentId, BytesFetched, DeviceCount]),
          [
            [contentId(3), 330, 1],
            [contentId(2), 220, 1]
          ]
        )
      })
    )

    stored("keep every kind of source apart, and the sum over them is what was fetched", (reports) =>
      Effect.gen(function* () {
        const one = completed({
          bytesFromCDN: 1,
          bytesFromCacheServer: 20,
          bytesFromPeers: 300,
          bytesFromLinkLocalPeers: 4000,
          bytesFromGroupPeers: 50_000,
          bytesFromIntPeers: 600_000,
          bytesFromLocalCache: 7_000_000,
          bytesWasted: 80_000
        })
        const { _tag, ...fields } = one
        const paused = DownloadPaused.make({ ...fields, eventId: eventId(77), reasonCode: "Interrupted" })
        yield* reports.take(delivery([one, paused]))
        const of = yield* reports.summary(7)
        assert.deepStrictEqual(
          [of.BytesFromCDN, of.BytesFromCache, of.BytesFromLanPeers, of.BytesFromLinkLocalPeers],
          [2, 40, 600, 8000]
        )
        assert.deepStrictEqual([of.BytesFromGroupPeers, of.BytesFromIntPeers], [100_000, 1_200_000])
        assert.strictEqual(of.BytesFetched, 1_308_642)
        assert.strictEqual(of.BytesFetched, of.BytesFromCDN + of.BytesFromCache + of.BytesFromPeers)
        assert.deepStrictEqual([of.BytesFromLocalCache, of.BytesWasted], [14_000_000, 160_000])
        assert.deepStrictEqual([of.TotalTransfers, of.TransfersPaused], [1, 1])
        assert.strictEqual(_tag, "DownloadCompleted")
      })
    )

    stored("go by how long ago an event was, not by what the device's clock says", (reports) =>
      Effect.gen(function* () {
        const ahead = noon + 4000 * day
        yield* reports.take(delivery([completed({ time: ahead - 2 * day, bytesFromCDN: 5 })], { sentAt: ahead }))
        yield* reports.take(delivery([completed({ time: ahead, bytesFromCDN: 7 })], { device: 2 }))
        const summary = yield* reports.summary(7)
        assert.deepStrictEqual(
          summary.ByDay.map(({ BytesFromCDN, Day }) => [Day, BytesFromCDN]),
          [
            ["2026-01-29", 5],
            ["2026-01-31", 7]
          ]
        )
        const [first] = yield* reports.events({ most: 1 })
        assert.strictEqual(first?.Moment, "2026-01-29T12:00:00.000Z")
        assert.strictEqual(first?.ReceivedAt, "2026-01-31T12:00:00.000Z")
        assert.strictEqual(first?.event["time"], ahead - 2 * day)
      })
    )

    stored("refuse what is too old or not understood, and take the rest of its batch", (reports) =>
      Effect.gen(function* () {
        const old = completed({ time: noon - 28 * day - 1, bytesFromCDN: 1 })
        const good = completed({ bytesFromCDN: 2 })
        const { request, ...who } = delivery([old, good])
        const foreign = { eventId: eventId(5) }
        const reply = yield* reports.take({
          ...who,
          request: Object.assign(Object.create(Object.getPrototypeOf(request)), request, {
            events: [...request.events, foreign]
          })
        })
        assert.deepStrictEqual([reply.taken, reply.refused], [[good.eventId], [old.eventId, foreign.eventId]])
        assert.strictEqual((yield* reports.summary(28)).BytesFetched, 2)
      })
    )

    stored("take names that mean something to SQL, to JSON and to terminals for names", (reports) =>
      Effect.gen(function* () {
        const odd = "x'; DROP TABLE report_cells; --\u0000\"\uD800\n=1"
        yield* reports.take(delivery([completed({ predefinedCallerName: odd, cdnUrl: odd, groupID: odd })]))
        const { ByType } = yield* reports.summary(7)
        assert.deepStrictEqual(
          ByType.map(({ ContentType }) => ContentType),
          ["x'; DROP TABLE report_cells; --\uFFFD\"\uFFFD\uFFFD=1"]
        )
        assert.strictEqual((yield* reports.events({ most: 1 })).length, 1)
      })
    )

    stored("stay readable when liars report more than a number can count", (reports) =>
      Effect.gen(function* () {
        const most = 2 ** 44
        for (let n = 0; n < 20; n++) {
          const lies = Array.from({ length: 60 }, () =>
            completed({ bytesFromCDN: most, bytesFromPeers: most, time: noon - n * day })
          )
          yield* reports.take(delivery(lies))
        }
        const lies = Array.from({ length: 600 }, () => completed({ bytesFromCDN: most }))
        for (let n = 0; n < 600; n += 60) yield* reports.take(delivery(lies.slice(n, n + 60)))
        const summary = yield* reports.summary(28)
        assert.strictEqual(summary.BytesFromCDN, Figures.most)
        assert.isAtMost(summary.BWOptPercent28Days, 100)
        yield* reports.take(delivery([completed({ bytesFromIntPeers: 1 })]))
        assert.strictEqual((yield* reports.summary(28)).BytesFromIntPeers, 1)
      })
    )

    stored("forget what is too old, some at a time, and still count nothing twice", (reports) =>
      Effect.gen(function* () {
        const events = Array.from({ length: 33 }, (_, n) => completed({ bytesFromCDN: 1, fileID: contentId(n) }))
        yield* reports.take(delivery(events))
        assert.strictEqual(yield* reports.sweep, 0)
        yield* TestClock.adjust("29 days")
        // Sent again at the last moment at which the service takes it.
        yield* reports.take(delivery(events.slice(0, 3), { sentAt: noon + 28 * day }))
        assert.strictEqual((yield* reports.summary(28)).BytesFromCDN, 0)
        yield* TestClock.adjust("7 days")
        assert.isAbove(yield* reports.sweep, 33)
        assert.deepStrictEqual(yield* reports.events({ most: 10 }), [])
        const late = yield* reports.take(delivery(events.slice(0, 1), { sentAt: noon + 36 * day }))
        assert.deepStrictEqual([late.taken.length, late.refused.length], [0, 1])
        yield* TestClock.adjust("400 days")
        assert.isAbove(yield* reports.sweep, 33)
        assert.strictEqual(yield* reports.sweep, 0)
      })
    )
  })
}

const frontEnds = {
  "over one file": Effect.map(folder, (directory) => ({ directory })),
  ...(server === undefined ? {} : { "over one PostgreSQL": Effect.map(server.database, (url) => ({ url })) })
}

describe("Reports of several front ends", () => {
  for (const [name, place] of Object.entries(frontEnds)) {
    it.live(`${name} count an event once, whoever gets it`, () =>
      Effect.gen(function* () {
        const where = yield* place
        const fronts = yield* Effect.forEach(
          [1, 2, 3],
          () => Effect.map(Layer.build(at(where)), (context) => Context.get(context, Reports)),
          { concurrency: "unbounded" }
        )
        const now = Date.now()
        const events = Array.from({ length: 40 }, (_, n) =>
          completed({ time: now, bytesFromCDN: 1, bytesFromPeers: 2, fileID: contentId(n % 3), groupID: `g${n % 2}` })
        )
        const send = (front: Reports["Service"], from: number) =>
          front.take(delivery(events.slice(from, from + 20), { sentAt: now, device: from }))
        yield* Effect.all(
          fronts.flatMap((front) => [0, 10, 20, 5].map((from) => send(front, from))),
          { concurrency: "unbounded" }
        )
        const groups = new Set<string>()
        for (const front of fronts) {
          const { BytesFetched, TotalTransfers } = yield* front.summary(7)
          assert.deepStrictEqual([BytesFetched, TotalTransfers], [120, 40])
          for (const { Name } of yield* front.groups({ days: 7, most: 9, by: "Group" })) groups.add(Name)
        }
        assert.strictEqual(groups.size, 2, "all hash with one salt")
      })
    )
  }
})

const Step = Schema.Struct({
  /** Which event, of which device, so long before noon. */
  event: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 19 })),
  cut: Schema.Boolean
})

/** All that can be seen, but for the hashes of groups: each store has a salt of its own. */
const everything = (reports: Reports["Service"]) =>
  Effect.all([
    reports.summary(7),
    reports.summary(28),
    reports.devices({ days: 28, most: 100 }),
    reports.contents({ days: 28, most: 100 }),
    reports.groups({ days: 28, most: 100, by: "City" }),
    Effect.map(reports.groups({ days: 28, most: 100, by: "Group" }), (found) =>
      found.map((row) => ({ ...row, Name: "" }))
    )
  ]).pipe(Effect.map((found) => JSON.stringify(found).replaceAll(/"GroupID":"[0-9a-f]*"/g, "")))

describe("The same events", () => {
  const groups = ["a", "b", undefined]
  /** Different in all that is added up. */
  const all: ReadonlyArray<ReportEvent> = Array.from({ length: 20 }, (_, n) => {
    const group = groups[n % 3]
    return completed({
      time: noon - n * 2 * day - n,
      bytesFromCDN: 2 ** n,
      bytesFromPeers: 3 * n,
      bytesFromIntPeers: n % 4,
      bytesWasted: n,
      numPeers: n % 3,
      downloadMode: ([1, 3, 99, 0] as const)[n % 4] ?? 1,
      fileID: contentId(n % 5),
      cdnUrl: `http://o/${n}`,
      ...(group === undefined ? {} : { groupID: group })
    })
  })
  const fresh = Effect.map(Layer.build(Layer.fresh(stores["in memory"])), (context) => Context.get(context, Reports))
  const deviceOf = (event: ReportEvent) => all.indexOf(event) % 4

  it.effect.prop(
    "give the same reports in any order, in any batches, however often they are repeated",
    { steps: Schema.Array(Step).check(Schema.isMaxLength(60)) },
    ({ steps }) =>
      Effect.gen(function* () {
        yield* TestClock.setTime(noon)
        const orderly = yield* fresh
        for (const event of all) yield* orderly.take(delivery([event], { device: deviceOf(event) }))
        const messy = yield* fresh
        let batch: Array<ReportEvent> = []
        const send = Effect.gen(function* () {
          for (const device of [0, 1, 2, 3]) {
            const own = batch.filter((event) => deviceOf(event) === device)
            if (own.length > 0) yield* messy.take(delivery(own, { device }))
          }
          batch = []
        })
        for (const step of [...steps, ...[...all.keys()].map((event) => ({ event: 19 - event, cut: event === 7 }))]) {
          const event = all[step.event]
          if (event !== undefined) batch.push(event)
          if (step.cut) yield* send
        }
        yield* send
        assert.strictEqual(yield* everything(messy), yield* everything(orderly))
      }).pipe(Effect.scoped),
    { arbitrary: { runs: 25 } }
  )
})

layer(Reports.layerMemory.pipe(Layer.provide(ReportsConfig.layer({ mostWaiting: 2, mostTogether: 1 }))))(
  "Reports that have more to do than they can",
  (spec) => {
    spec.effect("say so, and take what they took on", () =>
      Effect.gen(function* () {
        const reports = yield* Reports
        yield* TestClock.setTime(noon)
        const outcomes = yield* Effect.forEach(
          Array.from({ length: 20 }, () => completed({ bytesFromCDN: 1 })),
          (event) => Effect.result(reports.take(delivery([event]))),
          { concurrency: "unbounded" }
        )
        const taken = outcomes.filter(({ _tag }) => _tag === "Success").length
        assert.isBelow(taken, 20)
        assert.isAbove(taken, 0)
        assert.strictEqual((yield* reports.summary(7)).BytesFetched, taken)
        assert.strictEqual(Duration.toDays(ReportsConfig.defaults.keepEvents), 35)
      })
    )
  }
)
