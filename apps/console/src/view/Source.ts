/** Where bytes come from, as charts and tables show it: always in this order, under these names, in these colours. */
import type { Sums } from "@piecework/reports/Views"

/** Bytes of each kind of source; together what was fetched. */
export type BytesBySource = Pick<
  Sums,
  | "BytesFromCDN"
  | "BytesFromCache"
  | "BytesFromLanPeers"
  | "BytesFromLinkLocalPeers"
  | "BytesFromGroupPeers"
  | "BytesFromIntPeers"
>

export interface Source {
  readonly field: keyof BytesBySource
  readonly label: string
  /** A CSS colour, another in the dark. */
  readonly color: string
}

/** Together they are what was fetched. The nearest first, the origin last. */
export const sources: ReadonlyArray<Source> = [
  { field: "BytesFromLanPeers", label: "LAN peers", color: "var(--source-lan)" },
  { field: "BytesFromLinkLocalPeers", label: "Link-local peers", color: "var(--source-link-local)" },
  { field: "BytesFromGroupPeers", label: "Group peers", color: "var(--source-group)" },
  { field: "BytesFromIntPeers", label: "Internet peers", color: "var(--source-internet)" },
  { field: "BytesFromCache", label: "Cache servers", color: "var(--source-cache)" },
  { field: "BytesFromCDN", label: "Origin", color: "var(--source-origin)" }
]

/** Those of which the rows have any; the origin and the LAN in any case, so that a chart has its legend. */
export const present = (rows: ReadonlyArray<BytesBySource>): ReadonlyArray<Source> =>
  sources.filter(
    ({ field }) => field === "BytesFromCDN" || field === "BytesFromLanPeers" || rows.some((row) => row[field] > 0)
  )

/** Bytes that did not come from the origin. */
export const savedBytes = (row: Pick<Sums, "BytesFromPeers" | "BytesFromCache">): number =>
  row.BytesFromPeers + row.BytesFromCache
