/** The span of a download, which surrounds all that it makes others do: what it was asked for, and what came of it. */
import { noBytes, type SourceKind } from "@piecework/domain/SourceKind"
import * as Spans from "@piecework/telemetry/Spans"
import type { OpenRequest } from "./DownloadRequest.ts"
import { priorityOf } from "./DownloadRequest.ts"
import type { Standing } from "./Standing.ts"
import { wasted } from "./Tally.ts"

/** Bytes are those that the meter saw come in, by kind of source. */
export const options = (
  request: Pick<OpenRequest, "url" | "mode" | "priority">,
  standing: Standing
): Spans.Options => ({
  parent: null,
  attributes: {
    "url.full": request.url,
    "piecework.mode.asked": request.mode,
    "piecework.priority": priorityOf(request)
  },
  atEnd: () => {
    const { meter, settled, swarm } = standing
    const received = meter.received()
    return {
      "piecework.content.id": standing.contentId,
      "piecework.content.size": standing.fileBytes,
      "piecework.mode": settled?.mode,
      "piecework.why": settled?.why.reason,
      ...Object.fromEntries(kinds.map((kind) => [`piecework.bytes.received.${words[kind]}`, received[kind]])),
      "piecework.bytes.sent": meter.sent(),
      "piecework.bytes.wasted": wasted(meter.waste()),
      "piecework.peers.most": swarm?.mostPeers(),
      "piecework.peers.banned": swarm?.banned().length
    }
  }
})

const kinds = Object.keys(noBytes) as ReadonlyArray<SourceKind>

const words: { readonly [K in SourceKind]: string } = {
  Origin: "origin",
  CacheServer: "cache_server",
  LinkLocal: "link_local",
  Lan: "lan",
  Group: "group",
  Internet: "internet",
  LocalCache: "local_cache"
}
