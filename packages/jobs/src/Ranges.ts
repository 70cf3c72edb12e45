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

/** The length that means "to the end" in other interfaces: all bits of 64. Source: spec.md §3.3. */
const toTheEnd = 2 ** 64 - 1

const pair = /^(\d{1,16})-(\d{0,20})$/

/**
 * Ranges from outside, or the number of what is wrong: a list of `offset-length`, such as `0-100,5000-` with an open end, or JSON, such as
 * `[{"Offset":0,"Length":100},{"Offset":5000}]`. Whether they make sense `check` says.
 */
export const parse = (text: string): Result.Result<ReadonlyArray<Range>, number> => {
  const invalid = Result.fail(code("InvalidArgument"))
  if (text.length > maxText) return invalid
  const given = text.trimStart().startsWith("[") ? inJson(text) : inList(text)
  return given === undefined || given.length > most ? invalid : Result.succeed(given)
}

/** Characters: more than so many ranges of the largest numbers need. */
const maxText = 100 * most

const range = (offset: number, length: number): Range => ({ offset, length: length >= toTheEnd ? null : length })

const inList = (text: string): ReadonlyArray<Range> | undefined => {
  const pairs = text.split(",").map((one) => pair.exec(one.trim()))
  return pairs.every((one) => one !== null)
    ? pairs.map(([, offset, length]) => range(Number(offset), length ? Number(length) : toTheEnd))
    : undefined
}

const inJson = (text: string): ReadonlyArray<Range> | undefined => {
  const list = Result.getOrElse(
    Result.try((): unknown => JSON.parse(text)),
    () => undefined
  )
  if (!Array.isArray(list)) return undefined
  const ranges: Array<Range> = []
  for (const one of list) {
    if (typeof one !== "object" || one === null) return undefined
    const fields = new Map(Object.entries(one).map(([name, value]) => [name.toLowerCase(), value as unknown]))
    const { 0: offset, 1: length = toTheEnd } = ["offset", "length"].map((name) => fields.get(name))
    if (typeof offset !== "number" || typeof length !== "number" || [...fields.keys()].some(isUnknown)) return undefined
    ranges.push(range(offset, length))
  }
  return ranges
}

const isUnknown = (name: string): boolean => name !== "offset" && name !== "length"

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
