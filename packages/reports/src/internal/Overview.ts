/** The views of the reports, made of what `Reading` finds. */
import type { Database } from "@piecework/database/Database"
import { Effect, Option, Schema } from "effect"
import type { Facet } from "../Cells.ts"
import * as Days from "../Days.ts"
import * as DeviceKey from "../DeviceKey.ts"
import * as Figures from "../Figures.ts"
import { nowhere, type Place } from "../Places.ts"
import * as Views from "../Views.ts"
import * as Reading from "./Reading.ts"

interface Asked {
  readonly days: Days.Span
  readonly most: number
  /** Epoch milliseconds. */
  readonly now: number
}

interface DevicesAsked extends Asked {
  readonly after: string
  readonly search: string
}

interface OneAsked extends Omit<Asked, "most"> {
  readonly by: Views.By
  readonly name: string
  readonly isEnrolled: boolean
}

export const make = (sql: Database["Service"]["sql"]) => {
  const reading = Reading.make(sql)

  /** For each of the names what its row says of its sums. */
  const rowsOf = Effect.fnUntraced(function* (
    facet: Facet,
    keys: ReadonlyArray<string>,
    { days, now }: Omit<Asked, "most">
  ) {
    const week = yield* reading.sumsOf(facet, Days.window(now, 7), keys)
    const month = yield* reading.sumsOf(facet, Days.window(now, 28), keys)
    const asked = days === 7 ? week : month
    return (key: string): Views.Sums & Views.Savings => {
      const own = asked.get(key) ?? Figures.none
      return {
        ...Views.sumsOf(own),
        ...Views.savingsOf(own, week.get(key) ?? Figures.none, month.get(key) ?? Figures.none)
      }
    }
  })

  /** The names of a facet with most bytes, with the sums and the number of devices of each. */
  const top = Effect.fnUntraced(function* (facet: Facet, asked: Asked) {
    const window = Days.window(asked.now, asked.days)
    const keys = (yield* reading.top(facet, window, asked.most)).map(({ name }) => name)
    const rowOf = yield* rowsOf(facet, keys, asked)
    const counts = yield* reading.deviceCounts(facet, window.from, keys)
    return keys.map((name) => ({ name, DeviceCount: counts.get(name) ?? 0, row: rowOf(name) }))
  })

  const summary = Effect.fnUntraced(function* (days: Days.Span, now: number) {
    const window = Days.window(now, days)
    const all = yield* rowsOf("All", [""], { days, now })
    const modes = yield* reading.devicesByMode(window.from)
    const counted = (is: (mode: number | null) => boolean) =>
      modes.reduce((sum, { count, mode }) => sum + (is(mode) ? count : 0), 0)
    const byMode = yield* top("Mode", { days, now, most: 6 })
    const byType = yield* top("Type", { days, now, most: 100 })
    const byDay = yield* reading.byDay("All", "", window)
    return new Views.Summary({
      TimeGenerated: new Date(now).toISOString(),
      From: Days.name(window.from),
      To: Days.name(window.to),
      DeviceCount: counted(() => true),
      DevicesPeeringOn: counted((mode) => mode !== null && Figures.isPeering(mode)),
      DevicesPeeringOff: counted((mode) => mode !== null && !Figures.isPeering(mode)),
      ...all(""),
      ByMode: byMode.map(({ name, row }) => {
        const mode = Number(name)
        return new Views.ModeRow({
          ContentDownloadMode: mode,
          PeeringStatus: Figures.isPeering(mode) ? "On" : "Off",
          ...row
        })
      }),
      ByType: byType.map(({ DeviceCount, name, row }) => new Views.TypeRow({ ContentType: name, DeviceCount, ...row })),
      ByDay: dayRows(byDay)
    })
  })

  const one = Effect.fnUntraced(function* ({ by, days, isEnrolled, name, now }: OneAsked) {
    const window = Days.window(now, days)
    const key = by === "Device" ? DeviceKey.make(name, isEnrolled) : name
    const rowOf = yield* rowsOf(by, [key], { days, now })
    const count =
      by === "Device"
        ? yield* reading.isDevice({ device: key, from: window.from })
        : ((yield* reading.deviceCounts(by, window.from, [key])).get(key) ?? 0)
    return new Views.OneRow({
      By: by,
      Name: name,
      DeviceCount: count,
      ...rowOf(key),
      ByDay: dayRows(yield* reading.byDay(by, key, window))
    })
  })

  const devices = Effect.fnUntraced(function* ({ after, days, most, now, search }: DevicesAsked) {
    const window = Days.window(now, days)
    const found = yield* reading.devices({ after, from: window.from, most, search })
    const keys = found.map(({ device }) => device)
    const rowOf = yield* rowsOf("Device", keys, { days, now })
    const places = yield* reading.placesOf(window, keys)
    const rows = found.map((seen) => {
      const { city, country, isp } = placeOf(places.get(seen.device) ?? "")
      const { id, isEnrolled } = DeviceKey.parse(seen.device)
      return new Views.DeviceRow({
        GlobalDeviceId: id,
        IsEnrolled: isEnrolled,
        LastCensusSeenTime: new Date(seen.seenAt).toISOString(),
        ...(seen.mode === null ? {} : { DownloadMode: seen.mode }),
        DownloadModeReason: seen.modeReason,
        PeeringStatus: seen.mode === null ? "Unknown" : Figures.isPeering(seen.mode) ? "On" : "Off",
        GroupID: seen.groupHash,
        OSVersion: seen.osVersion,
        ClientVersion: seen.clientVersion,
        City: city,
        Country: country,
        ISP: isp,
        ...rowOf(seen.device)
      })
    })
    const last = keys.at(-1)
    return { rows, ...(last !== undefined && keys.length === most ? { next: last } : {}) }
  })

  const contents = Effect.fnUntraced(function* (asked: Asked) {
    const found = yield* top("Content", asked)
    const known = yield* reading.contents(found.map(({ name }) => name))
    return found.map(
      ({ DeviceCount, name, row }) =>
        new Views.ContentRow({
          ContentId: name,
          SourceURL: known.get(name)?.url ?? "",
          FileSize: known.get(name)?.size ?? 0,
          DeviceCount,
          ...row
        })
    )
  })

  const groups = Effect.fnUntraced(function* ({ by, ...asked }: Asked & { readonly by: Views.GroupBy }) {
    const found = yield* top(by, asked)
    return found.map(({ DeviceCount, name, row }) => new Views.GroupRow({ By: by, Name: name, DeviceCount, ...row }))
  })

  const events = (page: Parameters<typeof reading.events>[0]) =>
    Effect.map(reading.events(page), (found) => found.map(stored))

  const eventsOf = (page: {
    readonly name: string
    readonly isEnrolled: boolean
    readonly before: number
    readonly most: number
  }) =>
    Effect.map(
      reading.eventsOf({ device: DeviceKey.make(page.name, page.isEnrolled), before: page.before, most: page.most }),
      (found) => found.map(stored)
    )

  return { summary, devices, one, contents, groups, events, eventsOf }
}

const stored = ({ body, device, moment, place, receivedAt }: Reading.EventFound): Views.StoredEvent => {
  const { id, isEnrolled } = DeviceKey.parse(device)
  return new Views.StoredEvent({
    place,
    GlobalDeviceId: id,
    IsEnrolled: isEnrolled,
    Moment: new Date(moment).toISOString(),
    ReceivedAt: new Date(receivedAt).toISOString(),
    event: body
  })
}

const dayRows = (days: ReadonlyArray<Reading.Named>) =>
  days.map(({ figures, name }) => new Views.DayRow({ Day: Days.name(Number(name)), ...Views.sumsOf(figures) }))

const decodePlace = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Tuple([Schema.String, Schema.String, Schema.String]))
)

const placeOf = (part: string): Place =>
  Option.match(decodePlace(part), {
    onNone: () => nowhere,
    onSome: ([city, country, isp]) => ({ city, country, isp })
  })
