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
  const sources = Kinds.literals
    .filter((kind) => progress.received[kind] > 0)
    .map((kind) => {
      const speed = speeds[kind] > 0 ? ` ${Amount.rate(speeds[kind])}` : ""
      const count = isPeer(kind) && progress.peers > 0 ? `${progress.peers} ` : ""
      return `${count}${names[kind]} ${Amount.bytes(progress.received[kind])}${speed}`
    })
  const parts = [
    progress.fileBytes === undefined
      ? Amount.bytes(progress.heldBytes)
      : `${bar(share, 20)} ${Amount.percent(progress.heldBytes, progress.fileBytes)}`,
    words[progress.phase],
    progress.phase === "Fetching" ? Amount.rate(all) : "",
    progress.phase === "Fetching" && left !== undefined ? `${Amount.seconds(left)} left` : "",
    ...sources
  ].filter((part) => part !== "")
  const line = parts.join("  ")
  return line.length > columns ? `${line.slice(0, Math.max(0, columns - 1))}…` : line
}
