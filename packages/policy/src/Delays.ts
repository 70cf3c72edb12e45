/**
 * From when on a download may take HTTP. Peers and the cache server are asked at once and side by side; the origin waits, first
 * for the peers, then for the cache server. Source: spec.md §1 ("the peer delay goes first, then the cache delay").
 */
import type { Priority } from "./Facts.ts"
import type { Policy } from "./Policy.ts"

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

export const of = (policy: Policy, { hasCacheServer, mayPeer, priority }: Situation): Delays => {
  const forPeers = mayPeer ? (policy.get(namesOf[priority].peers) ?? 0) : 0
  const forCache = hasCacheServer ? cacheDelay(policy, priority) : 0
  return { origin: forCache === "Never" ? "Never" : (forPeers + forCache) * 1000 }
}

/** Seconds after which a download turns from the cache server to the origin. Not set is 0: at once when it fails. */
const cacheDelay = (policy: Policy, priority: Priority): number | "Never" => {
  const seconds = policy.get(namesOf[priority].cache) ?? 0
  return seconds === -1 ? "Never" : seconds
}

const namesOf = {
  Foreground: { peers: "DODelayForegroundDownloadFromHttp", cache: "DODelayCacheServerFallbackForeground" },
  Background: { peers: "DODelayBackgroundDownloadFromHttp", cache: "DODelayCacheServerFallbackBackground" }
} as const
