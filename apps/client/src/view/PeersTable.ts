/** The peers of this device, by file, as tables for people. */
import type { FileStatus } from "@piecework/domain/FileStatus"
import type { FilePeers } from "@piecework/domain/PeerInfo"
import * as Amount from "./Amount.ts"
import { nameOf } from "./StatusTable.ts"
import * as Table from "./Table.ts"

const head = ["  PEER", "TYPE", "RECEIVED", "DOWN", "SENT", "UP"]

/** `files` give the contents their names. */
export const render = (peers: ReadonlyArray<FilePeers>, files: ReadonlyArray<FileStatus>): string => {
  if (peers.length === 0) return "No peer is connected."
  const known = new Map(files.map((file) => [file.FileId, file]))
  return peers
    .map(({ FileId, PeersInfo }) => {
      const rows = PeersInfo.map((peer) => [
        `  ${peer.IP}`,
        peer.PeerType,
        Amount.bytes(peer.BytesReceived),
        Amount.rate(peer.DownloadRateBytes),
        Amount.bytes(peer.BytesSent),
        Amount.rate(peer.UploadRateBytes)
      ])
      const title = nameOf(known.get(FileId) ?? { FileId, SourceURL: "" })
      return `${title}\n${Table.render(head, rows, new Set(head.slice(2)))}`
    })
    .join("\n\n")
}
