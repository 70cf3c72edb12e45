/** The Range header of HTTP, for one range of bytes. Source: RFC 9110, sections 14.1 and 14.2. */

/** Both ends are part of the range. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * The part of `size` bytes that a header asks for. "Whole" when there is no header, or one that a server may ignore
 * (another unit, several ranges, bad syntax); "Unsatisfiable" when no byte of it exists.
 */
export const parse = (header: string | undefined, size: number): ByteRange | "Whole" | "Unsatisfiable" => {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "")
  const [, first = "", last = ""] = match ?? []
  if (match === null || (first === "" && last === "")) return "Whole"
  if (first === "") {
    const length = Number(last)
    return length === 0 || size === 0 ? "Unsatisfiable" : { start: Math.max(0, size - length), end: size - 1 }
  }
  const start = Number(first)
  if (last !== "" && Number(last) < start) return "Whole"
  if (start >= size) return "Unsatisfiable"
  return { start, end: last === "" ? size - 1 : Math.min(Number(last), size - 1) }
}
