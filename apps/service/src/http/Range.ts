/** Which bytes a request for a part of a representation asks for. Source: RFC 9110 §14. */

export type Range =
  | { readonly kind: "Whole" }
  /** First and last byte, both in it. */
  | { readonly kind: "Part"; readonly start: number; readonly end: number }
  | { readonly kind: "Unsatisfiable" }

/**
 * A header that is malformed, has another unit or several parts asks for the whole, as the RFC allows: PHFs are small, and
 * no client of ours wants two parts at once.
 */
export const parse = (header: string | undefined, length: number): Range => {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? "")
  if (match === null) return whole
  const [, first = "", last = ""] = match
  if (first === "" && last === "") return whole
  if (first === "") {
    const suffix = Math.min(Number(last), length)
    return suffix === 0 ? unsatisfiable : { kind: "Part", start: length - suffix, end: length - 1 }
  }
  const start = Number(first)
  const end = last === "" ? length - 1 : Math.min(Number(last), length - 1)
  if (last !== "" && Number(last) < start) return whole
  return start >= length ? unsatisfiable : { kind: "Part", start, end }
}

const whole: Range = { kind: "Whole" }
const unsatisfiable: Range = { kind: "Unsatisfiable" }
