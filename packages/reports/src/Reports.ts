/**
 * What devices report, kept and added up. An event is counted by whoever first writes its id, and in the same transaction as the id
 * is written; so it counts once, however often it is sent and to however many processes with the same database. Batches that
 * wait at the same time are written together.
 */
import { ReportReply, type ReportRequest } from "@piecework/cloud/ReportRpcs"
import type { Identity } from "@piecework/cloud/Identity"
import { RequestRefused } from "@piecework/cloud/RoleError"
import { Database } from "@piecework/database/Database"
import type { DatabaseError } from "@piecework/database/DatabaseError"
import { Clock, Context, Deferred, Effect, Layer, Queue } from "effect"
import * as Arrival from "./Arrival.ts"
import * as Cells from "./Cells.ts"
import { clean, cleaned } from "./Counted.ts"
import * as Days from "./Days.ts"
import * as DeviceKey from "./DeviceKey.ts"
import * as GroupHash from "./GroupHash.ts"
import { GroupNames } from "./GroupNames.ts"
import * as Overview from "./internal/Overview.ts"
import * as Sweeping from "./internal/Sweeping.ts"
import * as Writing from "./internal/Writing.ts"
import { mostRows } from "./ReportAdminRpcs.ts"
import { Places } from "./Places.ts"
import * as ReportMetrics from "./ReportMetrics.ts"
import { ReportsConfig } from "./ReportsConfig.ts"
import * as Site from "./Site.ts"
import type * as Views from "./Views.ts"

/** A batch, and who brought it. */
export interface Delivery {
  readonly request: ReportRequest
  readonly identity: Identity
  readonly externalIp: string
}

export class Reports extends Context.Service<
  Reports,
  {
    /** Answers once what it says is taken is kept. `Overloaded` when too many others wait. */
    readonly take: (delivery: Delivery) => Effect.Effect<ReportReply, DatabaseError | RequestRefused>
    readonly summary: (days: Days.Span) => Effect.Effect<Views.Summary, DatabaseError>
    /** Devices with an event in the window, in the order of their keys; the key of the last one leads to the next page. */
    readonly devices: (page: {
      readonly days: Days.Span
      readonly most: number
      readonly after?: string | undefined
      /** Only those whose id has it, whatever its case. */
      readonly search?: string | undefined
    }) => Effect.Effect<Page<Views.DeviceRow>, DatabaseError>
    /** One of them by itself, and day by day. */
    readonly one: (of: {
      readonly days: Days.Span
      readonly by: Views.By
      readonly name: string
      readonly isEnrolled?: boolean | undefined
    }) => Effect.Effect<Views.OneRow, DatabaseError>
    /** Those with most bytes fetched. */
    readonly contents: (page: {
      readonly days: Days.Span
      readonly most: number
    }) => Effect.Effect<ReadonlyArray<Views.ContentRow>, DatabaseError>
    /** Those with most bytes fetched. */
    readonly groups: (page: {
      readonly days: Days.Span
      readonly most: number
      readonly by: Views.GroupBy
    }) => Effect.Effect<ReadonlyArray<Views.GroupRow>, DatabaseError>
    /** The events themselves, in the order in which they came. `from` and `until` are epoch milliseconds of their moments. */
    readonly events: (page: {
      readonly most: number
      readonly after?: number | undefined
      readonly from?: number | undefined
      readonly until?: number | undefined
    }) => Effect.Effect<ReadonlyArray<Views.StoredEvent>, DatabaseError>
    /** The events of one device, the latest that came first, from before a place. */
    readonly eventsOf: (page: {
      readonly name: string
      readonly isEnrolled?: boolean | undefined
      readonly most: number
      readonly before?: number | undefined
    }) => Effect.Effect<ReadonlyArray<Views.StoredEvent>, DatabaseError>
    /** Forgets what is too old; answers how many rows went. `Sweeper` has it done from time to time. */
    readonly sweep: Effect.Effect<number, DatabaseError>
  }
>()("@piecework/reports/Reports") {
  static readonly layer: Layer.Layer<Reports, DatabaseError, Database | Places | ReportsConfig> = Layer.effect(
    Reports,
    Effect.suspend(() => make)
  ).pipe(Layer.provide(GroupNames.layer))

  /** In a database that lives in memory, where nobody knows which network is where. */
  static readonly layerMemory: Layer.Layer<Reports, DatabaseError, ReportsConfig> = Reports.layer.pipe(
    Layer.provide([Database.layerMemory, Places.layerNone])
  )
}

export interface Page<Row> {
  readonly rows: ReadonlyArray<Row>
  /** For `after` of the next page; absent when this is the last. */
  readonly next?: string
}

interface Waiting {
  readonly events: ReadonlyArray<Writing.Arrived>
  readonly written: Deferred.Deferred<void, DatabaseError>
}

const make = Effect.gen(function* () {
  const config = yield* ReportsConfig
  const places = yield* Places
  const { salt } = yield* GroupNames
  const { during, sql } = yield* Database
  const { addEvents, addTally } = Writing.make(sql)
  const overview = Overview.make(sql)
  const sweepAll = Sweeping.make(sql, config)
  const waiting = yield* Queue.dropping<Waiting>(config.mostWaiting)

  const write = (batches: ReadonlyArray<Waiting>) => {
    const byId = new Map(batches.flatMap(({ events }) => events).map((one) => [one.event.eventId, one]))
    // In one order for all writers, so that no two wait for each other.
    const events = [...byId].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one)
    return Effect.gen(function* () {
      const added = new Set((yield* addEvents(events)).map(({ id }) => id))
      const tally = Cells.tally(events.filter(({ event }) => added.has(event.eventId)))
      yield* addTally(tally)
      return tally
    }).pipe(sql.withTransaction, during("write reports"), Effect.flatMap(ReportMetrics.count))
  }

  const writeNext = Effect.gen(function* () {
    const batches = yield* Queue.takeBetween(waiting, 1, config.mostTogether)
    const exit = yield* Effect.exit(write(batches))
    for (const { written } of batches) yield* Deferred.done(written, exit)
  })
  yield* Effect.forkScoped(Effect.forever(writeNext))
  yield* ReportMetrics.begin

  const sweep = Effect.flatMap(Clock.currentTimeMillis, sweepAll).pipe(
    during("forget old reports"),
    Effect.withSpan("Reports.sweep")
  )

  /** The events that count, and the ids of those that never will. */
  const sorted = ({ externalIp, identity, request }: Delivery, receivedAt: number, groupSalt: Uint8Array) => {
    const device = DeviceKey.of(identity, request.deviceId)
    const place = places.of(externalIp)
    const site = Site.of(externalIp)
    const events: Array<Writing.Arrived> = []
    const refused: Array<ReportReply["refused"][number]> = []
    for (const event of request.events) {
      const at =
        "_tag" in event ? Arrival.momentOf({ time: event.time, sentAt: request.sentAt, receivedAt }) : undefined
      if (!("_tag" in event) || at === undefined) {
        refused.push(event.eventId)
        continue
      }
      const groupId = event._tag === "EventsLost" ? undefined : event.groupID
      events.push({
        event: cleaned(event),
        at,
        receivedAt,
        device,
        group: groupId === undefined ? undefined : GroupHash.of(groupSalt, groupId),
        place,
        site,
        clientVersion: clean(request.clientVersion),
        osVersion: request.osVersion === undefined ? undefined : clean(request.osVersion)
      })
    }
    return { events, refused }
  }

  return Reports.of({
    take: Effect.fn("Reports.take")(function* (delivery) {
      const { events, refused } = sorted(delivery, yield* Clock.currentTimeMillis, yield* salt)
      if (events.length > 0) {
        const written = yield* Deferred.make<void, DatabaseError>()
        const isWaiting = yield* Queue.offer(waiting, { events, written })
        if (!isWaiting) return yield* new RequestRefused({ reason: "Overloaded" })
        yield* Deferred.await(written)
      }
      return new ReportReply({ taken: events.map(({ event }) => event.eventId), refused })
    }),
    summary: Effect.fn("Reports.summary")(function* (days) {
      return yield* overview.summary(days, yield* Clock.currentTimeMillis)
    }, during("read the reports")),
    devices: Effect.fn("Reports.devices")(function* ({ after = "", days, most, search = "" }) {
      return yield* overview.devices({ days, after, search, most: bounded(most), now: yield* Clock.currentTimeMillis })
    }, during("read the reports")),
    one: Effect.fn("Reports.one")(function* ({ by, days, isEnrolled = true, name }) {
      return yield* overview.one({ by, days, isEnrolled, name, now: yield* Clock.currentTimeMillis })
    }, during("read the reports")),
    contents: Effect.fn("Reports.contents")(function* ({ days, most }) {
      return yield* overview.contents({ days, most: bounded(most), now: yield* Clock.currentTimeMillis })
    }, during("read the reports")),
    groups: Effect.fn("Reports.groups")(function* ({ by, days, most }) {
      return yield* overview.groups({ days, by, most: bounded(most), now: yield* Clock.currentTimeMillis })
    }, during("read the reports")),
    events: Effect.fn("Reports.events")(
      ({ after = 0, from = 0, most, until = Number.MAX_SAFE_INTEGER }) =>
        overview.events({ after, from, until, most: bounded(most) }),
      during("read the reports")
    ),
    eventsOf: Effect.fn("Reports.eventsOf")(
      ({ before = Number.MAX_SAFE_INTEGER, isEnrolled = true, most, name }) =>
        overview.eventsOf({ name, isEnrolled, before, most: bounded(most) }),
      during("read the reports")
    ),
    sweep
  })
})

const bounded = (most: number) => Math.min(Math.max(1, most), mostRows)
