/** The files of this device as a table for people. */
import { fromNumber, usesPeers } from "@piecework/domain/DownloadMode"
import type { FileStatus } from "@piecework/domain/FileStatus"
import { Option } from "effect"
import { modeName } from "../command/options.ts"
import type { Offer } from "../Offers.ts"
import * as Amount from "./Amount.ts"
import * as Moment from "./Moment.ts"
import * as Table from "./Table.ts"

/** `offers` are those of an agent that runs; `now` is epoch milliseconds. */
export const render = (
  files: ReadonlyArray<FileStatus>,
  now: number,
  offers: Option.Option<ReadonlyArray<Offer>>
): string => {
  if (files.length === 0) return "Nothing was downloaded yet."
  const known = new Map(Option.getOrElse(offers, () => []).map((offer) => [offer.contentId as string, offer]))
  const isOffering = Option.isSome(offers)
  const usual = [
    "FILE",
    "SIZE",
    "IN CACHE",
    "STATUS",
    "HTTP",
    "CACHE SERVER",
    "PEERS",
    "PEER %",
    "SENT",
    "MODE",
    "EXPIRES"
  ]
  const head = isOffering ? [...usual, "OFFERED"] : usual
  const rows = files.map((file) => [
    nameOf(file),
    isSum(file) ? none : Amount.bytes(file.FileSize),
    isSum(file) ? none : Amount.bytes(file.FileSizeInCache),
    isSum(file) ? none : stateOf(file),
    Amount.bytes(file.BytesFromHttp),
    Amount.bytes(file.BytesFromCacheServer),
    Amount.bytes(file.BytesFromPeers),
    `${file.PercentPeerCaching} %`,
    Amount.bytes(file.BytesToPeers),
    isSum(file) ? none : modeOf(file.DownloadMode),
    `${file.ExpireOn === null ? none : Moment.minute(Date.parse(file.ExpireOn))}${file.IsPinned ? ", pinned" : ""}`,
    ...(isOffering ? [isSum(file) ? none : offered(known.get(file.FileId), now)] : [])
  ])
  const table = Table.render(head, rows, new Set(head.filter((title) => title !== "FILE" && title !== "STATUS")))
  const without = files.find(isWithoutPeers)
  return without === undefined
    ? table
    : `${table}\n\nWhy no bytes came from peers says piecework explain FILE, such as piecework explain ${without.FileId.slice(0, 14)}.`
}

/** What does not apply. */
const none = "-"

/** It is no file: what passed for all downloads without a name. */
const isSum = ({ FileId, SourceURL }: Pick<FileStatus, "FileId" | "SourceURL">): boolean =>
  FileId === "" && SourceURL === ""

/** It ran with peers and got nothing from any. */
const isWithoutPeers = ({ BytesFromPeers, DownloadMode, TotalBytesDownloaded }: FileStatus): boolean => {
  const mode = fromNumber(DownloadMode)
  return mode !== undefined && usesPeers(mode) && BytesFromPeers === 0 && TotalBytesDownloaded > 0
}

/** Whether the service is told of it: it was asked for lately, it is its turn, or when that begins. */
const offered = (offer: Offer | undefined, now: number): string => {
  if (offer === undefined) return "no"
  if (offer.why !== "Waiting") return offer.why === "Turn" ? "its turn" : "asked for"
  return offer.until === undefined ? "later" : `in ${Amount.seconds((offer.until - now) / 1000)}`
}

/** The word that the command line has for a mode. */
const modeOf = (number: number): string => {
  const mode = fromNumber(number)
  return mode === undefined ? String(number) : modeName(mode)
}

/** How far one is that is fetched now, and how fast. */
const stateOf = ({ BytesDone, BytesRequested, DownloadRateBytes, Status }: FileStatus): string => {
  if (Status !== "Downloading") return Status
  const done = BytesRequested === 0 ? "" : ` ${Amount.percent(BytesDone, BytesRequested)}`
  return `${Status}${done}${DownloadRateBytes > 0 ? `, ${Amount.rate(DownloadRateBytes)}` : ""}`
}

/** The last part of the URL, or the beginning of the id of a content whose URL nobody noted down. */
export const nameOf = (file: Pick<FileStatus, "FileId" | "SourceURL">): string => {
  if (isSum(file)) return "(other downloads)"
  const last = URL.canParse(file.SourceURL) ? new URL(file.SourceURL).pathname.split("/").at(-1) : undefined
  return last === undefined || last === "" ? `${file.FileId.slice(0, 14)}…` : last.slice(0, 40)
}
