/** The contents of the cache, in the field names of spec.md §8.1 and as a table for people. */
import type { KeptContent } from "@piecework/cache/CacheKeeper"
import { dateOf } from "@piecework/download/Status"
import * as Amount from "./Amount.ts"
import * as Moment from "./Moment.ts"
import * as Table from "./Table.ts"

export interface CacheStatus {
  readonly FileId: string
  readonly FileSize: number
  readonly FileSizeInCache: number
  readonly Status: "Caching" | "Downloading" | "Paused"
  readonly IsPinned: boolean
  /** When it leaves by itself, as ISO 8601; `null`: only when its room is needed. */
  readonly ExpireOn: string | null
  readonly LastUsed: string
  readonly SourceURL: string
}

export const statusOf = (content: KeptContent, url: string | undefined, now: number): CacheStatus => ({
  FileId: content.contentId,
  FileSize: content.contentSize,
  FileSizeInCache: content.heldBytes,
  Status: content.complete ? "Caching" : content.isInUse ? "Downloading" : "Paused",
  IsPinned: content.isPinned,
  ExpireOn: content.expiry === undefined ? null : dateOf(content.expiry),
  LastUsed: dateOf(Math.min(content.usedAt, now)),
  SourceURL: url ?? ""
})

export const render = (all: ReadonlyArray<CacheStatus>): string => {
  if (all.length === 0) return "The cache is empty."
  const head = ["ID", "FILE", "SIZE", "IN CACHE", "STATUS", "PIN", "EXPIRES", "LAST USED"]
  const right = new Set(["SIZE", "IN CACHE"])
  const rows = all.map((one) => [
    `${one.FileId.slice(0, 14)}…`,
    nameOf(one.SourceURL),
    Amount.bytes(one.FileSize),
    Amount.bytes(one.FileSizeInCache),
    one.Status,
    one.IsPinned ? "pinned" : "",
    one.ExpireOn === null ? "-" : Moment.minute(Date.parse(one.ExpireOn)),
    Moment.minute(Date.parse(one.LastUsed))
  ])
  return Table.render(head, rows, right)
}

const nameOf = (url: string): string => {
  const last = URL.canParse(url) ? new URL(url).pathname.split("/").at(-1) : undefined
  return (last ?? "").slice(0, 40)
}
