/** Events that mean nothing: of nobody, of pieces that are none, of what is over. */
import * as Bitfield from "@piecework/domain/Bitfield"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import type { Event, PieceRun, SourceId } from "../src/Event.ts"
import type { Dice } from "./Dice.ts"

/** `source` and `run` name a fetch that is over, or nothing at all. */
export const noise = (
  pieces: number,
  dice: Dice,
  source: SourceId,
  run: PieceRun,
  now: number
): ReadonlyArray<Event> => {
  const piece = dice.pick([-1, 0.5, Number.NaN, pieces, 4_000_000_000]) as PieceIndex
  return [
    { _tag: "FetchFailed", source, run, fatal: dice.chance(50), reason: "Late", now },
    { _tag: "RangesIgnored", source: "nobody", run, now },
    { _tag: "PieceReceived", source: "nobody", piece: run.first, bytes: 1, now },
    { _tag: "PieceReceived", source, piece, bytes: Number.NaN, now },
    { _tag: "PieceHeld", source, piece, now },
    { _tag: "PieceBad", source: "nobody", piece: run.first, now },
    { _tag: "PieceLost", source: "nobody", piece: run.first, now },
    { _tag: "PeerHas", source, piece, now },
    { _tag: "PeerHas", source: "nobody", piece: run.first, now },
    { _tag: "PeerHolds", source, held: Bitfield.full(pieces + 9), now },
    { _tag: "Choked", source: "nobody", now },
    { _tag: "Unchoked", source: "nobody", now },
    { _tag: "SourceLeft", source: "nobody", now },
    {
      _tag: "Tick",
      received: new Map([
        ["nobody", 5],
        [source, Number.NaN]
      ]),
      now
    }
  ]
}
