/** Questions about what devices reported. */
import type { Span } from "@piecework/reports/Days"
import { mostRows, path, ReportAdminRpcs } from "@piecework/reports/ReportAdminRpcs"
import type * as Views from "@piecework/reports/Views"
import { Effect } from "effect"
import { type Ask, calls } from "./Service.ts"
import type { Question } from "./useAsk.ts"

const reports = calls(ReportAdminRpcs, path)

export const summary = (days: Span): Question<Views.Summary> => ({
  key: ["reports", "summary", days],
  ask: reports((client) => client.Summary({ days }))
})

export const contents = (days: Span): Question<ReadonlyArray<Views.ContentRow>> => ({
  key: ["reports", "contents", days],
  ask: reports((client) => client.Contents({ days, most: mostRows }))
})

export const groups = (days: Span, by: Views.GroupBy): Question<ReadonlyArray<Views.GroupRow>> => ({
  key: ["reports", "groups", days, by],
  ask: reports((client) => client.Groups({ days, most: mostRows, by }))
})

export interface DevicePage {
  readonly rows: ReadonlyArray<Views.DeviceRow>
  readonly next?: string
}

/** A page of devices, those whose id has the text in it. */
export const devices = (
  days: Span,
  {
    after,
    most = mostRows,
    search = ""
  }: { readonly after?: string | undefined; readonly most?: number; readonly search?: string }
): Ask<DevicePage> =>
  reports((client) =>
    client.Devices({
      days,
      most,
      ...(after === undefined ? {} : { after }),
      ...(search === "" ? {} : { search: search.slice(0, 64) })
    })
  )

/** A device as reports name it: by the service's name for it, or by what it says of itself. */
export interface DeviceName {
  readonly name: string
  readonly isEnrolled: boolean
}

/** Its row; nothing when it was not heard of in that time. */
export const device = (days: Span, { isEnrolled, name }: DeviceName): Question<Views.DeviceRow | null> => ({
  key: ["reports", "device", days, name, isEnrolled],
  ask: reports((client) =>
    Effect.map(
      client.Devices({ days, most: 50, search: name.slice(0, 64) }),
      ({ rows }) => rows.find((row) => row.GlobalDeviceId === name && row.IsEnrolled === isEnrolled) ?? null
    )
  )
})

/** The latest events of a device. */
export const deviceEvents = (of: DeviceName): Question<ReadonlyArray<Views.StoredEvent>> => ({
  key: ["reports", "deviceEvents", of.name, of.isEnrolled],
  ask: reports((client) => client.DeviceEvents({ ...of, most: 500 }))
})

export const one = (days: Span, by: Views.By, of: DeviceName): Question<Views.OneRow> => ({
  key: ["reports", "one", days, by, of.name, of.isEnrolled],
  ask: reports((client) => client.One({ days, by, ...of }))
})

/** A page of all events, behind a place. */
export const events = (from: number, until: number, after: number): Ask<ReadonlyArray<Views.StoredEvent>> =>
  reports((client) => client.Events({ most: mostRows, after, from, until }))
