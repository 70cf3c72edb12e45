import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it, layer } from "@effect/vitest"
import type { Identity } from "@piecework/cloud/Identity"
import { DownloadPaused, EventsLost, type ReportEvent } from "@piecework/cloud/ReportRpcs"
import { Database, DatabaseConfig } from "@piecework/database"
import { TestPostgres } from "@piecework/testpostgres"
import { Context, Duration, Effect, Exit, Layer, Schema, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as Figures from "../src/Figures.ts"
import { Places } from "../src/Places.ts"
import { Reports } from "../src/Reports.ts"
import * as ReportsConfig from "../src/ReportsConfig.ts"
import { completed, contentId, day, delivery, deviceId, eventId, noon } from "./support/events.ts"

/** A folder that is gone with the scope. */
const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "piecework-reports-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const places = Places.layer([
  { network: "203.0.113.0/24", city: "Bonn", country: "DE", isp: "one" },
  { network: "198.51.100.0/24", city: "Oslo", country: "NO", isp: "two" }
])
const rules = ReportsConfig.layer({ sweepStep: 10 })

const at = (where: Partial<DatabaseConfig.DatabaseConfig["Service"]>) =>
  Reports.layer.pipe(
    Layer.provide([Database.Database.layer, places, rules]),
    Layer.provide(DatabaseConfig.layer(where)),
    Layer.fresh
  )

/** One server for the tests below, each of which has a database of its own; none where there can be none. */
const serving = Effect.runSync(Scope.make())
const server =
  (await TestPostgres.missing()) === undefined
    ? await Effect.runPromise(Scope.provide(TestPostgres.make, serving))
    : undefined
afterAll(() => Effect.runPromise(Scope.close(serving, Exit.void)))

const stores = {
  "in memory": Layer.fresh(Reports.layer.pipe(Layer.provide([Database.Database.layerMemory, places, rules]))),
  "in a file": Layer.unwrap(Effect.map(folder, (directory) => at({ directory }))),
  ...(server === undefined ? {} : { "on PostgreSQL": Layer.unwrap(Effect.map(server.database, (url) => at({ url }))) })
}

const enrolled = (id: string): Identity => ({ _tag: "Device", id, groups: [] })

for (const [name, store] of Object.entries(stores)) {
  /** A test with a store of its own, at noon. */
  const stored = (what: string, test: (reports: Reports["Service"]) => Effect.Effect<void, unknown>) =>
    it.effect(`${what}`, () =>
      Effect.andThen(
        TestClock.setTime(noon),
        Effect.scoped(Effect.flatMap(Layer.build(store), (context) => test(Context.get(context, Reports))))
      )
    )

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

    stored(
      "show one content, site or device by itself and day by day, and find devices by a part of their ids",
      (reports) =>
        Effect.gen(function* () {
          const a = completed({ bytesFromCDN: 100, bytesFromPeers: 300, fileID: contentId(1) })
          yield* reports.take(delivery([a]))
          yield* TestClock.setTime(noon + 86_400_000)
          const b = completed({ bytesFromCDN: 50, fileID: contentId(1) })
          const { externalIp } = delivery([b])
          yield* reports.take({ ...delivery([b]), identity: enrolled("lab-17") })
          const content = yield* reports.one({ days: 28, by: "Content", name: contentId(1) })
          assert.deepStrictEqual(
            [content.DeviceCount, content.BytesFetched, content.ByDay.map(({ BytesFetched }) => BytesFetched)],
            [2, 450, [400, 50]]
          )
          const site = yield* reports.one({ days: 7, by: "Site", name: externalIp })
          assert.deepStrictEqual([site.DeviceCount, site.BytesFromPeers], [2, 300])
          const [top] = yield* reports.groups({ days: 7, most: 5, by: "Site" })
          assert.deepStrictEqual([top?.Name, top?.BytesFetched], [externalIp, 450])
          const device = yield* reports.one({ days: 7, by: "Device", name: "lab-17" })
          assert.deepStrictEqual([device.DeviceCount, device.BytesFetched, device.ByDay.length], [1, 50, 1])
          const unknown = yield* reports.one({ days: 7, by: "Device", name: "lab-17", isEnrolled: false })
          assert.deepStrictEqual([unknown.DeviceCount, unknown.BytesFetched, unknown.ByDay], [0, 0, []])

          const found = (search: string) =>
            Effect.map(reports.devices({ days: 28, most: 10, search }), ({ rows }) =>
              rows.map((row) => row.GlobalDeviceId)
            )
          assert.deepStrictEqual(yield* found("LAB-"), ["lab-17"])
          assert.deepStrictEqual(yield* found("enrolled"), [], "how the service keeps a name is no part of it")
          assert.deepStrictEqual(yield* found("l%7"), [])
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

    stored("show what is in the window, to the day", (reports) =>
      Effect.gen(function* () {
        const bytesOn = [0, 6, 7, 27].map((ago) => completed({ time: noon - ago * day, bytesFromCDN: 10 ** (ago % 5) }))
        yield* reports.take(delivery(bytesOn))
        assert.strictEqual((yield* reports.summary(7)).BytesFromCDN, 1 + 10)
        assert.strictEqual((yield* reports.summary(28)).BytesFromCDN, 1 + 10 + 100 + 100)
        assert.deepStrictEqual(
          (yield* reports.summary(28)).ByDay.map(({ BytesFromCDN, Day }) => [Day, BytesFromCDN]),
          [
            ["2026-01-04", 100],
            ["2026-01-24", 100],
            ["2026-01-25", 10],
            ["2026-01-31", 1]
          ]
        )
        yield* TestClock.adjust("12 hours")
        assert.strictEqual((yield* reports.summary(28)).BytesFromCDN, 1 + 10 + 100)
        assert.strictEqual((yield* reports.summary(7)).BytesFromCDN, 1)
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

    stored("tell groups by a hash that no other service has, and keep no id of a group", (reports) =>
      Effect.gen(function* () {
        const secret = "4f4b1b6e-office-bonn"
        yield* reports.take(delivery([completed({ groupID: secret, bytesFromPeers: 9, bytesFromCDN: 1 })]))
        yield* reports.take(delivery([completed({ groupID: secret, bytesFromCDN: 5 })], { device: 2 }))
        yield* reports.take(delivery([completed({ groupID: "other", bytesFromCDN: 2 })], { device: 3 }))
        const groups = yield* reports.groups({ days: 28, most: 10, by: "Group" })
        assert.deepStrictEqual(
          groups.map(({ BytesFetched, DeviceCount }) => [BytesFetched, DeviceCount]),
          [
            [15, 2],
            [2, 1]
          ]
        )
        assert.match(groups[0]?.Name ?? "", /^[0-9a-f]{16}$/)
        const everything = JSON.stringify([
          groups,
          yield* reports.events({ most: 10 }),
          yield* reports.devices({ days: 28, most: 10 })
        ])
        assert.notInclude(everything, secret)
        const other = yield* Layer.build(Layer.fresh(stores["in memory"]))
        const there = Context.get(other, Reports)
        yield* there.take(delivery([completed({ groupID: secret })]))
        const [same] = yield* there.groups({ days: 28, most: 1, by: "Group" })
        assert.notStrictEqual(same?.Name, groups[0]?.Name)
      }).pipe(Effect.scoped)
    )

    stored("know where a device fetched most, and what each place fetched", (reports) =>
      Effect.gen(function* () {
        const [bonn, oslo] = ["203.0.113.9", "198.51.100.9"]
        yield* reports.take(delivery([completed({ bytesFromCDN: 10 })], { externalIp: bonn }))
        yield* reports.take(delivery([completed({ bytesFromCDN: 30, bytesFromPeers: 60 })], { externalIp: oslo }))
        yield* reports.take(delivery([completed({ bytesFromCDN: 5 })], { externalIp: "192.0.2.1", device: 2 }))
        const { rows } = yield* reports.devices({ days: 28, most: 10 })
        assert.deepStrictEqual(
          rows.map(({ BytesFetched, City, Country, ISP }) => [City, Country, ISP, BytesFetched]),
          [
            ["Oslo", "NO", "two", 100],
            ["", "", "", 5]
          ]
        )
        const cities = yield* reports.groups({ days: 28, most: 10, by: "City" })
        assert.deepStrictEqual(
          cities.map(({ BWOptPercent28Days, DeviceCount, Efficiency, Name }) => [
            Name,
            DeviceCount,
            BWOptPercent28Days,
            Efficiency
          ]),
          [
            ["Oslo", 1, 66.67, "Good"],
            ["Bonn", 1, 0, "Error"]
          ]
        )
        assert.deepStrictEqual(
          (yield* reports.groups({ days: 28, most: 10, by: "Isp" })).map(({ Name }) => Name),
          ["two", "one"]
        )
      })
    )

    stored("know a device that is enrolled by its name, and nobody else reports as it", (reports) =>
      Effect.gen(function* () {
        yield* reports.take(delivery([completed({ bytesFromCDN: 1 })], { identity: enrolled("lab-17") }))
        yield* reports.take(delivery([completed({ bytesFromCDN: 2 })], { identity: enrolled("lab-17"), device: 9 }))
        yield* reports.take(delivery([completed({ bytesFromCDN: 100 })]))
        const { rows } = yield* reports.devices({ days: 28, most: 10 })
        assert.deepStrictEqual(
          rows.map(({ BytesFetched, GlobalDeviceId, IsEnrolled }) => [GlobalDeviceId, IsEnrolled, BytesFetched]),
          [
            [deviceId(1), false, 100],
            ["lab-17", true, 3]
          ]
        )
      })
    )

    stored("show a device as its latest event says, whichever comes first", (reports) =>
      Effect.gen(function* () {
        const lost = EventsLost.make({ eventId: eventId(8), time: noon - 1, count: 12 })
        yield* reports.take(delivery([completed({ time: noon - 5, downloadMode: 3, downloadModeReason: "Requested" })]))
        yield* reports.take(delivery([completed({ time: noon - 9, downloadMode: 99 }), lost]))
        const { rows } = yield* reports.devices({ days: 7, most: 10 })
        assert.deepStrictEqual(
          rows.map((row) => [row.DownloadMode, row.PeeringStatus, row.LastCensusSeenTime, row.EventsLost]),
          [[3, "On", new Date(noon - 1).toISOString(), 12]]
        )
        const { ByMode, DevicesPeeringOff, DevicesPeeringOn } = yield* reports.summary(7)
        assert.deepStrictEqual([DevicesPeeringOn, DevicesPeeringOff], [1, 0])
        assert.deepStrictEqual(ByMode.map(({ ContentDownloadMode }) => ContentDownloadMode).toSorted(), [3, 99])
      })
    )

    stored("answer in pages that hold every device once", (reports) =>
      Effect.gen(function* () {
        for (let n = 1; n <= 7; n++) yield* reports.take(delivery([completed({ bytesFromCDN: n })], { device: n }))
        const seen: Array<string> = []
        let after: string | undefined
        do {
          const page = yield* reports.devices({ days: 7, most: 3, after })
          seen.push(...page.rows.map(({ GlobalDeviceId }) => GlobalDeviceId))
          after = page.next
        } while (after !== undefined)
        assert.deepStrictEqual(seen, [1, 2, 3, 4, 5, 6, 7].map(deviceId))
        const events = yield* reports.events({ most: 4 })
        const rest = yield* reports.events({ most: 4, after: events.at(-1)?.place })
        assert.deepStrictEqual([events.length, rest.length], [4, 3])
        assert.strictEqual(new Set([...events, ...rest].map(({ event }) => event["eventId"])).size, 7)
      })
    )

    stored("answer the events of one device alone, the latest first", (reports) =>
      Effect.gen(function* () {
        for (let n = 1; n <= 5; n++) {
          yield* reports.take(delivery([completed({ bytesFromCDN: n })], { device: 1 }))
          yield* reports.take(delivery([completed({ bytesFromCDN: 100 })], { device: 2 }))
        }
        const device = { name: deviceId(1), isEnrolled: false }
        const latest = yield* reports.eventsOf({ ...device, most: 3 })
        const others = yield* reports.eventsOf({ ...device, most: 3, before: latest.at(-1)?.place })
        assert.deepStrictEqual(
          [...latest, ...others].map(({ event }) => event["bytesFromCDN"]),
          [5, 4, 3, 2, 1]
        )
        assert.deepStrictEqual(yield* reports.eventsOf({ name: deviceId(1), most: 3 }), [])
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
