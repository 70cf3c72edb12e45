/**
 * What each side of a session knows of the other's pieces: theirs as they said, ours as they were told. Invariant:
 * `wanted` counts the pieces that they hold and that they were not told we hold.
 */
import { Bitfield } from "@piecework/domain"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import type { Violation } from "../PeerError.ts"
import { PieceSet } from "./PieceSet.ts"

/** How often a peer may announce what it has announced: a few cross with its bitfield, thousands are an attack. */
const maxRepeatedHaves = 1024

export class Inventory {
  readonly pieceCount: number
  /** What the peer was told that we hold. */
  readonly mine: PieceSet
  /** What the peer holds; `undefined` until its first message. */
  private theirs: PieceSet | undefined
  private wantedCount = 0
  private repeatedHaves = 0

  constructor(held: Bitfield.Bitfield) {
    this.pieceCount = held.pieceCount
    this.mine = new PieceSet(held)
  }

  /** Whether the peer holds something that we do not. */
  get wanted(): boolean {
    return this.wantedCount > 0
  }

  /** Whether the peer has not said yet what it holds. */
  get unknown(): boolean {
    return this.theirs === undefined
  }

  /** What the peer holds, as far as it said. */
  held(): Bitfield.Bitfield {
    return this.theirs?.toBitfield() ?? Bitfield.empty(this.pieceCount)
  }

  theyHold(piece: PieceIndex): boolean {
    return this.theirs?.has(piece) === true
  }

  /** The peer says for the first time what it holds. */
  begin(pieces: Bitfield.Bitfield): void {
    this.theirs = new PieceSet(pieces)
    this.wantedCount = Bitfield.count(this.mine.missingOf(pieces))
  }

  /** The peer announces a piece; answers whether that is news. */
  takeHave(piece: PieceIndex): boolean | Violation {
    if (piece >= this.pieceCount) return "BadMessage"
    if (this.theirs?.add(piece) !== true) return ++this.repeatedHaves > maxRepeatedHaves ? "TooManyHaves" : false
    if (!this.mine.has(piece)) this.wantedCount++
    return true
  }

  /** We tell the peer of a piece; answers whether that is news to it. */
  tell(piece: PieceIndex): boolean {
    if (!this.mine.add(piece)) return false
    if (this.theyHold(piece)) this.wantedCount--
    return true
  }
}
