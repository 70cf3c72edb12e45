/** One line of a table of savings, whatever it is of. */
import type * as Views from "@piecework/reports/Views"
import { fileName, short } from "../../view/FileName.ts"
import { devicePath, type Kind, pathOf } from "./Kind.ts"

export interface Row {
  readonly key: string
  readonly name: string
  /** Under the name, smaller. */
  readonly about: string
  /** Where more of it is; types have no page. */
  readonly path: string | undefined
  /** Devices with a download of it; of a device nothing. */
  readonly devices: number | undefined
  readonly sums: Views.Sums
  readonly savings: Views.Savings
  /** Of a device. */
  readonly device?: Views.DeviceRow
}

export const ofContent =
  (kind: Kind) =>
  (row: Views.ContentRow): Row => ({
    key: row.ContentId,
    name: fileName(row.SourceURL, row.ContentId),
    about: row.SourceURL === "" ? row.ContentId : row.SourceURL,
    path: row.ContentId === "" ? undefined : pathOf(kind, row.ContentId),
    devices: row.DeviceCount,
    sums: row,
    savings: row
  })

export const ofGroup =
  (kind: Kind) =>
  (row: Views.GroupRow): Row => ({
    key: row.Name,
    name: row.Name === "" ? "not known" : row.Name,
    about: "",
    path: row.Name === "" ? undefined : pathOf(kind, row.Name),
    devices: row.DeviceCount,
    sums: row,
    savings: row
  })

export const ofType = (row: Views.TypeRow): Row => ({
  key: row.ContentType,
  name: row.ContentType === "" ? "nobody said" : row.ContentType,
  about: "",
  path: undefined,
  devices: row.DeviceCount,
  sums: row,
  savings: row
})

export const ofDevice = (row: Views.DeviceRow): Row => ({
  key: `${row.IsEnrolled} ${row.GlobalDeviceId}`,
  name: short(row.GlobalDeviceId, 20),
  about: [row.OSVersion, [row.City, row.Country].filter(Boolean).join(", ")].filter(Boolean).join(" · "),
  path: devicePath(row.GlobalDeviceId, row.IsEnrolled),
  devices: undefined,
  sums: row,
  savings: row,
  device: row
})
