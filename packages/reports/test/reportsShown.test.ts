/** What reports show of what they took. */
import { assert, describe } from "@effect/vitest"
import { EventsLost } from "@piecework/cloud/ReportRpcs"
import { Context, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Reports } from "../src/Reports.ts"
import { completed, contentId, day, delivery, deviceId, eventId, noon } from "./support/events.ts"
import { enrolled, storedIn, stores } from "./support/stores.ts"

for (const [name, store] of Object.entries(stores)) {
  const stored = storedIn(store)

  describe(`Reports ${name}`, () => {
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
  })
}
