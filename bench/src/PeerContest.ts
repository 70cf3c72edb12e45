/**
 * One peer gives a file to another over loopback, beside two of each BitTorrent client with a torrent. The receiver of
 * all hashes every piece and writes it; the CPU of both ends is counted.
 */
import { Effect, Option } from "effect"
import * as Contest from "./Contest.ts"
import type { Options } from "./HttpContest.ts"
import * as PieceworkPeers from "./PieceworkPeers.ts"
import { clients } from "./torrent/clients.ts"
import * as TorrentPeers from "./torrent/TorrentPeers.ts"

export const hold = Effect.fn("PeerContest.hold")(function* (options: Options) {
  return yield* Contest.holdBeside({
    ...options,
    piecework: yield* PieceworkPeers.contender(options),
    others: yield* Effect.forEach(
      clients.filter(({ tool }) => options.wants(tool)),
      (client) =>
        Effect.map(client.version, (version) => ({
          tool: client.tool,
          install: client.install,
          contender: Option.map(version, (known) => TorrentPeers.contender(options, client, known))
        }))
    ),
    bytes: options.file.size
  })
}, Effect.scoped)
