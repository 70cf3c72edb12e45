/** What the downloads of one process have in common, and what they read of one content at a time. */
import type { CacheKeeper } from "@piecework/cache/CacheKeeper"
import type { CacheHosts } from "@piecework/cachehosts/CacheHosts"
import type { Cloud } from "@piecework/cloud/Cloud"
import type { ContentId } from "@piecework/domain/Content"
import { usesPeers } from "@piecework/domain/DownloadMode"
import { forbidsPeers } from "@piecework/policy/Eligibility"
import type { Option, RcMap } from "effect"
import { Fallback } from "./DownloadError.ts"
import type { DownloadRequest } from "./DownloadRequest.ts"
import type * as FirstLook from "./FirstLook.ts"
import type * as Halts from "./Halts.ts"
import type { Readers } from "./Readers.ts"
import type { Standing } from "./Standing.ts"

export interface Shared {
  readonly cloud: Option.Option<Cloud["Service"]>
  readonly halts: Halts.Halts
  /** Two downloads of one content take turns: the second finds in the cache what the first has fetched. */
  readonly contents: RcMap.RcMap<ContentId, Readers>
  /** Which cache servers there are. */
  readonly cacheHosts: Option.Option<CacheHosts["Service"]>
  readonly keeper: Option.Option<CacheKeeper["Service"]>
}

/** The mode that a content of a swarm comes in, and why. */
export const settle = (
  request: Pick<DownloadRequest, "why">,
  { mode, why }: Extract<FirstLook.Found, { _tag: "Swarm" }>,
  policy: Parameters<typeof forbidsPeers>[0]
): NonNullable<Standing["settled"]> => {
  // The service may have said so in the answer that told what the content is.
  if (usesPeers(mode) && forbidsPeers(policy)) return { mode: "HttpOnly", why: byPolicy }
  return { mode, why: why.reason === "Requested" ? (request.why ?? why) : why }
}

const byPolicy = new Fallback({ reason: "NotEligible", detail: "the mode has no peers: DODownloadMode" })
