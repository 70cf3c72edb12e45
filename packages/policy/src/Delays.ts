/**
 * From when on a download may take HTTP. Peers and the cache server are asked at once and side by side; the origin waits, first
 * for the peers, then for the cache server. Source: spec.md §1 ("the peer delay goes first, then the cache delay").
 */
import type { Priority } from "./Facts.ts"
import type { Policy } from "./Policy.ts"
import type { Name } from "./Settings.ts"

export interface Delays {
  /** Milliseconds from the start of the download until the origin may be asked; "Never" while there is a cache server. */
  readonly origin: number | "Never"
}

export interface Situation {
  readonly priority: Priority
  /** The mode, the content and the device allow peers. */
  readonly mayPeer: boolean
  /** There is one, and it may be asked. */
  readonly hasCacheServer: boolean
}

/**
 * What the settings say of a download whose cache server fails: "NotSet" that it turns to the origin at once and may come back, "Never"
 * that it stays; else it stays for so many milliseconds from its start, and what turns to the origin then stays there.
 */
export type CacheFallback = "NotSet" | "Never" | number

export const cacheFallback = (policy: Policy, priority: Priority): CacheFallback => {
  const seconds = policy.get(namesOf[priority].cache)
  return seconds === undefined ? "NotSet" : seconds === -1 ? "Never" : seconds * 1000
}

export const of = (policy: Policy, { hasCacheServer, mayPeer, priority }: Situation): Delays => {
  const forPeers = mayPeer ? (policy.get(namesOf[priority].peers) ?? 0) * 1000 : 0
  const forCache = hasCacheServer ? cacheFallback(policy, priority) : 0
  if (forCache === "Never") return { origin: "Never" }
  return { origin: forPeers + (forCache === "NotSet" ? 0 : forCache) }
}

/** The settings that hold the origin back so. */
export const settingsOf = (policy: Policy, { hasCacheServer, mayPeer, priority }: Situation): ReadonlyArray<Name> => [
  ...(mayPeer && (policy.get(namesOf[priority].peers) ?? 0) > 0 ? [namesOf[priority].peers] : []),
  ...(hasCacheServer && policy.get(namesOf[priority].cache) !== undefined ? [namesOf[priority].cache] : [])
]

const namesOf = {
  Foreground: { peers: "DODelayForegroundDownloadFromHttp", cache: "DODelayCacheServerFallbackForeground" },
  Background: { peers: "DODelayBackgroundDownloadFromHttp", cache: "DODelayCacheServerFallbackBackground" }
} as const
