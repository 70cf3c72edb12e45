/** Parts of a content, as callers name them and as places in it; pure. Source: spec.md §3.3 (ranges), §3.8 (0x80D05010, 0x80D05012). */
import * as Bitfield from "@piecework/domain/Bitfield"
import type { PieceIndex, PieceLayout } from "@piecework/domain/PieceLayout"
import { Result } from "effect"
import { RangesError } from "./DownloadError.ts"

export interface ByteRange {
  /** Bytes before it. */
  readonly offset: number
  /** Bytes in it, at least 1; without one it goes on to the end of the content. */
  readonly length?: number | undefined
}

/** Bytes from `start` to just before `end`; at least one. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** Most ranges in one request: a bound on what a caller can make us remember. */
export const mostRanges = 4096

/**
 * What is wrong with the ranges that can be told without the length of the content: numbers that are none, and bytes that are asked
 * for twice. `undefined` when they may be asked for.
 */
export const complaint = (ranges: ReadonlyArray<ByteRange>): RangesError | undefined => {
  if (ranges.length > mostRanges) return new RangesError({ reason: "Invalid", offset: 0 })
  for (const { length, offset } of ranges) {
    const isGood =
      isCount(offset) && (length === undefined || (isCount(length) && length > 0 && isCount(offset + length)))
    if (!isGood) return new RangesError({ reason: "Invalid", offset })
  }
  const inOrder = ranges.toSorted((a, b) => a.offset - b.offset)
  for (let n = 1; n < inOrder.length; n++) {
    const before = inOrder[n - 1]
    const next = inOrder[n]
    if (before === undefined || next === undefined) continue
    if (before.length === undefined || before.offset + before.length > next.offset) {
      return new RangesError({ reason: "Overlapping", offset: next.offset })
    }
  }
  return undefined
}

/** The ranges as places in a content of `size` bytes, in the order in which they were asked for. */
export const resolve = (
  ranges: ReadonlyArray<ByteRange>,
  size: number
): Result.Result<ReadonlyArray<Span>, RangesError> => {
  const wrong = complaint(ranges)
  if (wrong !== undefined) return Result.fail(wrong)
  const spans: Array<Span> = []
  for (const { length, offset } of ranges) {
    const end = length === undefined ? size : offset + length
    if (offset >= size || end > size) return Result.fail(new RangesError({ reason: "OutOfFile", offset, size }))
    spans.push({ start: offset, end })
  }
  return Result.succeed(spans)
}

/** Parts of one content, and the pieces that they lie in. */
export interface Part {
  readonly spans: ReadonlyArray<Span>
  readonly pieces: Bitfield.Bitfield
  /** In the spans. */
  readonly bytes: number
  /** In the pieces. */
  readonly pieceBytes: number
}

export const partOf = (spans: ReadonlyArray<Span>, layout: PieceLayout): Part => {
  const pieces = new Set<PieceIndex>()
  for (const { end, start } of spans) {
    const last = Math.floor((end - 1) / layout.pieceSize)
    for (let piece = Math.floor(start / layout.pieceSize); piece <= last; piece++) pieces.add(piece as PieceIndex)
  }
  let pieceBytes = 0
  for (const piece of pieces) pieceBytes += layout.length(piece)
  return { spans, pieces: Bitfield.fromPieces(layout.pieceCount, pieces), bytes: bytesIn(spans), pieceBytes }
}

export const bytesIn = (spans: ReadonlyArray<Span>): number =>
  spans.reduce((sum, { end, start }) => sum + end - start, 0)

/** The bytes that a piece and the spans have in common. */
export const bytesOfPiece = (spans: ReadonlyArray<Span>, layout: PieceLayout, piece: number): number => {
  const from = piece * layout.pieceSize
  const to = Math.min(from + layout.pieceSize, layout.contentSize)
  let bytes = 0
  for (const { end, start } of spans) bytes += Math.max(0, Math.min(end, to) - Math.max(start, from))
  return bytes
}

const isCount = (n: number): boolean => Number.isSafeInteger(n) && n >= 0
