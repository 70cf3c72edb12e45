/** One line that shows a download under way: how far, how fast, from where, and how long it will take. */
import { isPeer, type SourceKind, SourceKind as Kinds } from "@piecework/domain/SourceKind"
import type { Progress } from "@piecework/download/Progress"
import * as Amount from "./Amount.ts"

/** Words for the kinds of source, as people know them. */
export const names: { readonly [K in SourceKind]: string } = {
  Origin: "origin",
  CacheServer: "cache server",
  LinkLocal: "link-local peers",
  Lan: "LAN peers",
  Group: "group peers",
  Internet: "Internet peers",
  LocalCache: "local cache"
}

export interface Sample {
  readonly progress: Progress
  /** Epoch milliseconds. */
  readonly now: number
}

/** Rates over the time between two samples, bytes per second by kind. */
export const rates = (before: Sample, after: Sample): { readonly [K in SourceKind]: number } => {
  const span = Math.max(1, after.now - before.now) / 1000
  const of = (kind: SourceKind) =>
    kind === "LocalCache" ? 0 : Math.max(0, after.progress.received[kind] - before.progress.received[kind]) / span
  return Object.fromEntries(Kinds.literals.map((kind) => [kind, of(kind)])) as { readonly [K in SourceKind]: number }
}

/** Seconds until all is held at the present rate; `undefined` while nothing moves or the size is unknown. */
export const remaining = (before: Sample, after: Sample): number | undefined => {
  const { fileBytes, heldBytes } = after.progress
  const speed = (heldBytes - before.progress.heldBytes) / (Math.max(1, after.now - before.now) / 1000)
  return fileBytes === undefined || speed <= 0 ? undefined : (fileBytes - heldBytes) / speed
}

const bar = (share: number, width: number): string => {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * width)
  return "█".repeat(filled) + "░".repeat(width - filled)
}

const words: { readonly [P in Progress["phase"]]: string } = {
  Starting: "asking where to get it",
  Checking: "checking what is held",
  Fetching: "",
  Writing: "writing the file",
  Done: "done"
}

/** The line for the present moment, at most `columns` wide; `before` is an earlier sample of about three seconds ago. */
export const render = (before: Sample, after: Sample, columns: number): string => {
  const { progress } = after
  const speeds = rates(before, after)
  const all = Kinds.literals.reduce((sum, kind) => sum + speeds[kind], 0)
  const left = remaining(before, after)
  const share =
    progress.fileBytes === undefined || progress.fileBytes === 0 ? 0 : progress.heldBytes / progress.fileBytes
  const sources = (withRates: boolean) =>
    Kinds.literals
      .filter((kind) => progress.received[kind] > 0)
      .map((kind) => {
        const speed = withRates && speeds[kind] > 0 ? ` ${Amount.rate(speeds[kind])}` : ""
        return `${named(kind, progress.peers)} ${Amount.bytes(progress.received[kind])}${speed}`
      })
  const line = (room: Room) =>
    [
      progress.fileBytes === undefined
        ? Amount.bytes(progress.heldBytes)
        : `${bar(share, room.bar)} ${Amount.percent(progress.heldBytes, progress.fileBytes)}`.trim(),
      progress.retrying === undefined ? words[progress.phase] : `asking again: ${progress.retrying}`,
      waiting(progress),
      withoutCache(progress, after.now),
      limited(progress),
      progress.phase === "Fetching" && room.rate ? Amount.rate(all) : "",
      progress.phase === "Fetching" && left !== undefined && room.left ? `${Amount.seconds(left)} left` : "",
      ...sources(room.rates)
    ]
      .filter((part) => part !== "")
      .join("  ")
  const lines = rooms.map(line)
  const shown = lines.find((candidate) => candidate.length <= columns) ?? lines.at(-1) ?? ""
  return shown.length > columns ? `${shown.slice(0, Math.max(0, columns - 1))}…` : shown
}

/** So that a download that keeps away from HTTP for a while does not look stuck. */
const waiting = ({ cache, httpAfterMillis: after, peers }: Progress): string => {
  if (after === undefined) return ""
  if (cache?.reason === "Asked") return after === null ? "no origin" : `origin from ${Amount.seconds(after / 1000)} on`
  const who = peers === 0 ? "waiting for peers, " : ""
  return after === null ? `${who}no HTTP` : `${who}HTTP from ${Amount.seconds(after / 1000)} on`
}

/** That it stays with a cache server that does not deliver, and for how long. */
const withoutCache = ({ cache, httpAfterMillis, phase }: Progress, now: number): string => {
  const isStuck = cache !== undefined && cache.failure !== undefined && cache.originFrom !== undefined
  if (!isStuck || phase === "Writing" || phase === "Done") return ""
  // What HTTP waits for is said already.
  if (httpAfterMillis !== undefined) return "cache server failed"
  if (cache.originFrom === null) return "cache server failed, no origin"
  return `cache server failed, origin in ${Amount.seconds(((cache.originFrom ?? now) - now) / 1000)}`
}

/** Why it is no faster, where that is our own doing. */
const limited = ({ limit }: Progress): string => {
  if (limit === undefined) return ""
  return limit.setting === undefined ? "gives way to another download" : `limited to ${Amount.rate(limit.rate)}`
}

/** What a line has room for. */
interface Room {
  /** Cells. */
  readonly bar: number
  /** Whether each source's rate is shown. */
  readonly rates: boolean
  readonly rate: boolean
  readonly left: boolean
}

/** From wide to narrow: where the bytes come from goes last. */
const rooms: ReadonlyArray<Room> = [
  { bar: 20, rates: true, rate: true, left: true },
  { bar: 20, rates: false, rate: true, left: true },
  { bar: 8, rates: false, rate: true, left: true },
  { bar: 0, rates: false, rate: true, left: true },
  { bar: 0, rates: false, rate: false, left: true },
  { bar: 0, rates: false, rate: false, left: false }
]

/** "3 LAN peers", "1 LAN peer", "origin". */
const named = (kind: SourceKind, peers: number): string => {
  if (!isPeer(kind) || peers === 0) return names[kind]
  return `${peers} ${peers === 1 ? names[kind].replace(/s$/, "") : names[kind]}`
}
