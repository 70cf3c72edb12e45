/**
 * What is added up: bytes by where they came from, and how downloads went. Every byte that came in is under exactly one kind of
 * source, so the sum over the sources is what was fetched; what of it was wasted is a figure of its own beside them.
 * Source: spec.md §8.3, §8.4.
 */
import type { ReportEvent } from "@piecework/cloud/ReportRpcs"

/** Each is a column of the store. */
export const names = [
  /** Bytes from the origin; what a cache server served is not in it. */
  "cdn",
  "cache",
  "lan",
  "link_local",
  /** Bytes from peers of the group that are not on the same network. */
  "group_peers",
  "internet",
  /** Bytes that were held before; not fetched. */
  "local_cache",
  /** Of the fetched bytes, those that became no piece. */
  "wasted",
  "started",
  /** Downloads that completed. */
  "transfers",
  /** Of these, in a mode with peers. The next four are of these and sum up to them. */
  "eligible",
  "peers_success",
  "no_peers",
  "cannot_connect",
  "peers_unknown",
  "paused",
  "canceled",
  "errors",
  /** Events that devices could not keep. */
  "lost",
  /** Milliseconds that the completed downloads took. */
  "millis"
] as const
export type Name = (typeof names)[number]

export type Figures = { readonly [N in Name]: number }

export const none: Figures = {
  cdn: 0,
  cache: 0,
  lan: 0,
  link_local: 0,
  group_peers: 0,
  internet: 0,
  local_cache: 0,
  wasted: 0,
  started: 0,
  transfers: 0,
  eligible: 0,
  peers_success: 0,
  no_peers: 0,
  cannot_connect: 0,
  peers_unknown: 0,
  paused: 0,
  canceled: 0,
  errors: 0,
  lost: 0,
  millis: 0
}

/** The largest sum. More than that, which takes liars, is kept at that. */
export const most = Number.MAX_SAFE_INTEGER

export const add = (a: Figures, b: Figures): Figures => {
  const sum = { ...a }
  for (const name of names) sum[name] = Math.min(most, sum[name] + b[name])
  return sum
}

export const fromPeers = (self: Figures): number => self.lan + self.link_local + self.group_peers + self.internet

/** All bytes that came over a network. */
export const fetched = (self: Figures): number => self.cdn + self.cache + fromPeers(self)

/** (peers + cache server) ÷ all fetched bytes, in percent with two decimals, 0 to 100; 0 when nothing was fetched. */
export const savedPercent = (self: Figures): number => {
  const all = fetched(self)
  return all === 0 ? 0 : Math.round(((fromPeers(self) + self.cache) / all) * 10_000) / 100
}

/** How good that is. Source: spec.md §8.3: an error under 10 %, a warning up to 60 %. */
export const efficiency = (self: Figures): "None" | "Error" | "Warning" | "Good" =>
  fetched(self) === 0 ? "None" : gradeOf(savedPercent(self))

/** The same of a share in percent of what was fetched. */
export const gradeOf = (percent: number): "Error" | "Warning" | "Good" =>
  percent < 10 ? "Error" : percent <= 60 ? "Warning" : "Good"

/** Whether the mode of that number takes pieces from peers. Source: spec.md §8.3. */
export const isPeering = (mode: number): boolean => mode === 1 || mode === 2 || mode === 3

export const of = (event: ReportEvent): Figures => {
  switch (event._tag) {
    case "DownloadStarted":
      return { ...none, started: 1 }
    case "DownloadCompleted":
      return { ...brought(event), transfers: 1, millis: event.totalTimeMs, ...peering(event) }
    case "DownloadPaused":
      return { ...brought(event), paused: 1 }
    case "DownloadCanceled":
      return { ...brought(event), canceled: 1 }
    case "FailureCdnCommunication":
    case "JobError":
      return { ...none, errors: 1 }
    case "EventsLost":
      return { ...none, lost: event.count }
  }
}

type Ended = Extract<ReportEvent, { readonly bytesFromCDN: number }>

const brought = (event: Ended): Figures => ({
  ...none,
  cdn: event.bytesFromCDN,
  cache: event.bytesFromCacheServer,
  lan: event.bytesFromPeers,
  link_local: event.bytesFromLinkLocalPeers,
  group_peers: event.bytesFromGroupPeers,
  internet: event.bytesFromIntPeers,
  local_cache: event.bytesFromLocalCache,
  wasted: event.bytesWasted
})

const peering = (event: Ended): Partial<Figures> => {
  if (!isPeering(event.downloadMode)) return {}
  const connected =
    event.lanConnectionCount +
    event.linkLocalConnectionCount +
    event.groupConnectionCount +
    event.internetConnectionCount
  const eligible = { eligible: 1 }
  if (fromPeers(brought(event)) > 0) return { ...eligible, peers_success: 1 }
  if (event.numPeers === 0) return { ...eligible, no_peers: 1 }
  return event.numPeers !== undefined && connected === 0
    ? { ...eligible, cannot_connect: 1 }
    : { ...eligible, peers_unknown: 1 }
}
