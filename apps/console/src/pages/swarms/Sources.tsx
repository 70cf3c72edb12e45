/** Where bytes come from now, as a bar and a sentence. */
import type { ByKind } from "@piecework/swarm/LiveView"
import { SourceBar } from "../../parts/SourceBar.tsx"
import type { BytesBySource } from "../../view/Source.ts"

/** In the words of reports. What came from peers without their being near or far said is of the LAN: older clients say no more. */
export const bySource = (of: ByKind): BytesBySource => ({
  BytesFromCDN: of.origin,
  BytesFromCache: of.cacheServer,
  BytesFromLanPeers: of.lan + Math.max(0, of.peers - of.lan - of.linkLocal - of.group - of.internet),
  BytesFromLinkLocalPeers: of.linkLocal,
  BytesFromGroupPeers: of.group,
  BytesFromIntPeers: of.internet
})

export const allOf = (of: ByKind): number => of.origin + of.cacheServer + of.peers

export const KindBar = ({ of }: { readonly of: ByKind }) => <SourceBar of={bySource(of)} size="sm" />
