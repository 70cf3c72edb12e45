/** What administrators ask the service about reports; for the scope Read. Each answer is bounded, and long lists come in pages. */
import { CallerMiddleware } from "@piecework/cloud/Caller"
import { RequestRefused } from "@piecework/cloud/RoleError"
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import * as Days from "./Days.ts"
import * as Views from "./Views.ts"

/** Path of these calls under a service's URL. */
export const path = "/rpc/admin/reports"

/** Most rows of one answer. */
export const mostRows = 1000

const most = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: mostRows }))
const days = Schema.Literals(Days.spans)
/** Epoch milliseconds. */
const Moment = Schema.Natural
const rows = <S extends Schema.Top>(row: S) => Schema.Array(row).check(Schema.isMaxLength(mostRows))

const Summary = Rpc.make("Summary", { payload: { days }, success: Views.Summary, error: RequestRefused })

/** In the order of the service's names for them, behind `after`; those whose id has `search` in it, whatever its case. */
const Devices = Rpc.make("Devices", {
  payload: {
    days,
    most,
    after: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(128))),
    search: Schema.optionalKey(Schema.NonEmptyString.check(Schema.isMaxLength(64)))
  },
  success: Schema.Struct({ rows: rows(Views.DeviceRow), next: Schema.optionalKey(Schema.String) }),
  error: RequestRefused
})

const Contents = Rpc.make("Contents", {
  payload: { days, most },
  success: rows(Views.ContentRow),
  error: RequestRefused
})

const Groups = Rpc.make("Groups", {
  payload: { days, most, by: Views.GroupBy },
  success: rows(Views.GroupRow),
  error: RequestRefused
})

/**
 * One content, group, place, site or device: its sums, and day by day; days without anything have no row. Nothing that is known
 * has sums of 0. A device is named as in `Devices`, with `isEnrolled` as there.
 */
const One = Rpc.make("One", {
  payload: {
    days,
    by: Views.By,
    name: Schema.String.check(Schema.isMaxLength(256)),
    /** Of a device. Default true. */
    isEnrolled: Schema.optionalKey(Schema.Boolean)
  },
  success: Views.OneRow,
  error: RequestRefused
})

/** In the order in which they came, behind the place `after`; those whose moment is in the span. */
const Events = Rpc.make("Events", {
  payload: {
    most,
    after: Schema.optionalKey(Schema.Natural),
    from: Schema.optionalKey(Moment),
    until: Schema.optionalKey(Moment)
  },
  success: rows(Views.StoredEvent),
  error: RequestRefused
})

/** Those of one device, which is named as for `One`: the latest that came first, from before the place `before`. */
const DeviceEvents = Rpc.make("DeviceEvents", {
  payload: {
    name: Schema.String.check(Schema.isMaxLength(128)),
    /** Default true. */
    isEnrolled: Schema.optionalKey(Schema.Boolean),
    most,
    before: Schema.optionalKey(Schema.Natural)
  },
  success: rows(Views.StoredEvent),
  error: RequestRefused
})

export class ReportAdminRpcs extends RpcGroup.make(
  Summary,
  Devices,
  Contents,
  Groups,
  One,
  Events,
  DeviceEvents
).middleware(CallerMiddleware) {}
