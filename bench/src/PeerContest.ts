/**
 * One peer gives a file to another over loopback, beside two aria2c with a torrent. The receiver of either hashes every
 * piece and writes it; the CPU of both ends is counted.
 */
import { Effect, Option } from "effect"
import * as Aria2Peers from "./Aria2Peers.ts"
import * as Contest from "./Contest.ts"
import type { Options } from "./HttpContest.ts"
import * as PieceworkPeers from "./PieceworkPeers.ts"
import * as Tools from "./Tools.ts"

export const hold = Effect.fn("PeerContest.hold")(function* (options: Options) {
  const version = yield* Tools.version("aria2c")
  const piecework = yield* PieceworkPeers.contender(options)
  const aria2c = Option.isSome(version) ? [yield* Aria2Peers.contender(options, version.value)] : []
  const [own, other] = yield* Contest.hold({
    contenders: [piecework, ...aria2c],
    turns: options.turns,
    bytes: options.file.size,
    note: options.note
  })
  return { piecework: own ?? Contest.absent(""), aria2c: other ?? Contest.absent("apt-get install aria2") }
}, Effect.scoped)
