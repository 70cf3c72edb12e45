/** How one file is cut into pieces: every `pieceSize` bytes, the last piece holding what remains. */
import { Option, Schema } from "effect"

/** Bytes in a piece, but for a content's last one. Source: spec.md §5.1. */
export const standardPieceSize = 1_048_576

/** Most pieces one content may have: 4 TiB of standard pieces, so that every table by piece stays small. */
export const maxPieceCount = 4_194_304

/** Position of a piece in its file, counted from 0. */
export const PieceIndex = Schema.Natural.pipe(Schema.brand("PieceIndex"))
export type PieceIndex = typeof PieceIndex.Type

/** A part of the file, in bytes from its start. */
export interface Span {
  readonly offset: number
  readonly length: number
}

export class PieceLayout extends Schema.Class<PieceLayout>("@piecework/domain/PieceLayout")({
  /** Length of the whole file, in bytes. An empty file has no pieces. */
  contentSize: Schema.Natural,
  /** Length of every piece but the last, in bytes. */
  pieceSize: Schema.Int.check(Schema.isGreaterThan(0))
}) {
  get pieceCount(): number {
    return Math.ceil(this.contentSize / this.pieceSize)
  }

  /** A number from outside as an index; `None` past the last piece. */
  index(n: number): Option.Option<PieceIndex> {
    return Number.isInteger(n) && n >= 0 && n < this.pieceCount ? Option.some(n as PieceIndex) : Option.none()
  }

  /** Every index, first to last. */
  *indices(): Generator<PieceIndex> {
    for (let n = 0; n < this.pieceCount; n++) yield n as PieceIndex
  }

  /** Where the piece lies in the file. */
  span(piece: PieceIndex): Span {
    const offset = piece * this.pieceSize
    return { offset, length: Math.min(this.pieceSize, this.contentSize - offset) }
  }

  /** Length of the piece, in bytes. */
  length(piece: PieceIndex): number {
    return Math.min(this.pieceSize, this.contentSize - piece * this.pieceSize)
  }
}

/** A content cut the standard way. */
export const standard = (contentSize: number): PieceLayout =>
  new PieceLayout({ contentSize, pieceSize: standardPieceSize })
