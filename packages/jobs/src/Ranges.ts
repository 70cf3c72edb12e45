/** The parts of a file that a job wants. Source: spec.md §3.3, Ranges. */
import { Result, Schema } from "effect"
import { code } from "./JobError.ts"

export const Range = Schema.Struct({
  /** Bytes from the beginning of the file. */
  offset: Schema.Natural,
  /** Bytes; `null` is up to the end of the file. */
  length: Schema.NullOr(Schema.Natural)
})
export type Range = typeof Range.Type

/** Most ranges of a job. */
export const most = 1000

/** In order and without overlap, or the number of what is wrong. None at all means the whole file. */
export const check = (ranges: ReadonlyArray<Range>): Result.Result<ReadonlyArray<Range>, number> => {
  if (ranges.length > most) return Result.fail(code("InvalidRange"))
  const isRange = ({ length, offset }: Range) =>
    Number.isSafeInteger(offset) &&
    offset >= 0 &&
    (length === null || (Number.isSafeInteger(length) && length > 0 && Number.isSafeInteger(offset + length)))
  if (!ranges.every(isRange)) return Result.fail(code("InvalidRange"))
  const sorted = ranges.toSorted((one, other) => one.offset - other.offset)
  for (const [n, { length, offset }] of sorted.entries()) {
    const next = sorted[n + 1]
    if (next !== undefined && (length === null || offset + length > next.offset)) {
      return Result.fail(code("OverlappingRanges"))
    }
  }
  return Result.succeed(sorted)
}

/** Bytes that are asked for of a file of this size, or the number of what is wrong: a range has to begin and end within the file. */
export const total = (ranges: ReadonlyArray<Range>, fileBytes: number): Result.Result<number, number> => {
  if (ranges.length === 0) return Result.succeed(fileBytes)
  let sum = 0
  for (const { length, offset } of ranges) {
    const end = length === null ? fileBytes : offset + length
    if (offset >= fileBytes || end > fileBytes) return Result.fail(code("InvalidRange"))
    sum += end - offset
  }
  return Result.succeed(sum)
}
