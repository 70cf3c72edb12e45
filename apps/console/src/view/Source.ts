/** Where bytes come from, as charts and tables show it: always in this order, under these names, in these colours. */
import type { Sums } from "@piecework/reports/Views"

export interface Source {
  readonly field: keyof Pick<
    Sums,
    | "BytesFromCDN"
    | "BytesFromCache"
    | "BytesFromLanPeers"
    | "BytesFromLinkLocalPeers"
    | "BytesFromGroupPeers"
    | "BytesFromIntPeers"
  >
  readonly label: string
  /** A CSS colour, another in the dark. */
  readonly color: string
  /** Whether its bytes did not cross the line to the origin. */
  readonly isSaved: boolean
}

/** Together they are what was fetched. The nearest first, the origin last. */
export const sources: ReadonlyArray<Source> = [
  { field: "BytesFromLanPeers", label: "LAN peers", color: "var(--source-lan)", isSaved: true },
  { field: "BytesFromLinkLocalPeers", label: "Link-local peers", color: "var(--source-link-local)", isSaved: true },
  { field: "BytesFromGroupPeers", label: "Group peers", color: "var(--source-group)", isSaved: true },
  { field: "BytesFromIntPeers", label: "Internet peers", color: "var(--source-internet)", isSaved: true },
  { field: "BytesFromCache", label: "Cache servers", color: "var(--source-cache)", isSaved: true },
  { field: "BytesFromCDN", label: "Origin", color: "var(--source-origin)", isSaved: false }
]

/** Those of which the rows have any; the origin and the LAN in any case, so that a chart has its legend. */
export const present = (rows: ReadonlyArray<Pick<Sums, Source["field"]>>): ReadonlyArray<Source> =>
  sources.filter(
    ({ field }) => field === "BytesFromCDN" || field === "BytesFromLanPeers" || rows.some((row) => row[field] > 0)
  )

/** Bytes that did not come from the origin. */
export const savedBytes = (row: Pick<Sums, "BytesFromPeers" | "BytesFromCache">): number =>
  row.BytesFromPeers + row.BytesFromCache
