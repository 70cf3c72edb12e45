/** What a device reported, as lines to read; and in which modes it downloaded, and why. Events are a device's own words: anything may be missing. */
import type { StoredEvent } from "@piecework/reports/Views"
import * as Amount from "../../view/Amount.ts"
import { fileName } from "../../view/FileName.ts"

export interface Line {
  readonly key: string
  /** Epoch milliseconds. */
  readonly at: number
  readonly tone: "good" | "warning" | "error" | "none" | "active"
  readonly word: string
  /** The file, as far as it is known. */
  readonly file: string
  /** What happened, in a sentence or less. */
  readonly detail: string
}

type Fields = StoredEvent["event"]

const text = (fields: Fields, name: string): string => {
  const value = fields[name]
  return typeof value === "string" ? value : ""
}

const amount = (fields: Fields, name: string): number => {
  const value = fields[name]
  return typeof value === "number" && Number.isFinite(value) ? value : 0
}

const peers = ["bytesFromPeers", "bytesFromLinkLocalPeers", "bytesFromGroupPeers", "bytesFromIntPeers"]

/** Bytes that the event says came over a network, and of these those that did not come from the origin. */
const brought = (fields: Fields): { readonly fetched: number; readonly saved: number } => {
  const saved = peers.reduce((sum, name) => sum + amount(fields, name), amount(fields, "bytesFromCacheServer"))
  return { fetched: saved + amount(fields, "bytesFromCDN"), saved }
}

const whatCame = (fields: Fields): string => {
  const { fetched, saved } = brought(fields)
  const time = amount(fields, "totalTimeMs")
  const share = fetched === 0 ? "" : `, ${Amount.percent(Amount.share(saved, fetched))} not from the origin`
  return `${Amount.bytes(fetched)} in ${Amount.span(time)}${share}`
}

const because = (fields: Fields, ...names: ReadonlyArray<string>): string => {
  const words = names.map((name) => text(fields, name)).filter(Boolean)
  return words.length === 0 ? "" : ` (${words.join(", ")})`
}

const told = (fields: Fields): Pick<Line, "tone" | "word" | "detail"> => {
  switch (fields["_tag"]) {
    case "DownloadStarted":
      return {
        tone: "active",
        word: "started",
        detail: fields["background"] === false ? "in the foreground" : "in the background"
      }
    case "DownloadCompleted":
      return { tone: "good", word: "completed", detail: whatCame(fields) }
    case "DownloadPaused":
      return { tone: "none", word: "paused", detail: whatCame(fields) + because(fields, "reasonCode") }
    case "DownloadCanceled":
      return {
        tone: "error",
        word: "given up",
        detail: whatCame(fields) + because(fields, "reasonCode", "doErrorCode")
      }
    case "FailureCdnCommunication": {
      const status = amount(fields, "httpStatusCode")
      return {
        tone: "warning",
        word: "origin failed",
        detail: `${Amount.count(amount(fields, "errorCount"), "time")}: ${text(fields, "errorCode")}${status === 0 ? "" : `, HTTP ${status}`}`
      }
    }
    case "JobError":
      return { tone: "error", word: "error", detail: text(fields, "errorCode") + because(fields, "doErrorCode") }
    case "EventsLost":
      return {
        tone: "warning",
        word: "events lost",
        detail: `${Amount.count(amount(fields, "count"), "event")} could not be kept until they could be sent`
      }
    default:
      return { tone: "none", word: text(fields, "_tag"), detail: "" }
  }
}

export const lines = (events: ReadonlyArray<StoredEvent>): ReadonlyArray<Line> =>
  events.map(({ event, Moment, place }) => ({
    key: String(place),
    at: Date.parse(Moment),
    file: event["_tag"] === "EventsLost" ? "" : fileName(text(event, "cdnUrl"), text(event, "fileID")),
    ...told(event)
  }))

export interface ModeLine {
  readonly key: string
  readonly mode: number
  readonly reason: string
  readonly downloads: number
  readonly fetched: number
  readonly saved: number
}

/** The modes of downloads that ended, with the reason that the device gave for each; those with most downloads first. */
export const modes = (events: ReadonlyArray<StoredEvent>): ReadonlyArray<ModeLine> => {
  const found = new Map<string, ModeLine>()
  for (const { event } of events) {
    const mode = event["downloadMode"]
    const ended = event["_tag"] === "DownloadCompleted" || event["_tag"] === "DownloadCanceled"
    if (!ended || typeof mode !== "number") continue
    const reason = text(event, "downloadModeReason")
    const key = `${mode} ${reason}`
    const before = found.get(key) ?? { key, mode, reason, downloads: 0, fetched: 0, saved: 0 }
    const { fetched, saved } = brought(event)
    found.set(key, {
      ...before,
      downloads: before.downloads + 1,
      fetched: before.fetched + fetched,
      saved: before.saved + saved
    })
  }
  return [...found.values()].toSorted((a, b) => b.downloads - a.downloads)
}
