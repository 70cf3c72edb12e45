/** One range of bytes as a request asks for it, against the size of the content. Pure. Source: RFC 9110, section 14.2. */

export interface Part {
  readonly offset: number
  readonly length: number
}

/**
 * `Whole`: no range is asked for, or none that can be read, which is to be ignored; `Several` more than one; `None` lies in the content.
 */
export type Wanted =
  | { readonly _tag: "Whole" }
  | { readonly _tag: "Several" }
  | { readonly _tag: "None" }
  | { readonly _tag: "Part"; readonly part: Part }

const whole: Wanted = { _tag: "Whole" }

export const isSeveral = (header: string | undefined): boolean => header !== undefined && header.includes(",")

export const parse = (header: string | undefined, size: number): Wanted => {
  if (header === undefined) return whole
  const unit = /^bytes\s*=\s*/i.exec(header)
  if (unit === null) return whole
  if (isSeveral(header)) return { _tag: "Several" }
  const bounds = /^(\d*)\s*-\s*(\d*)$/.exec(header.slice(unit[0].length).trim())
  const [, first = "", last = ""] = bounds ?? []
  if (bounds === null || (first === "" && last === "")) return whole
  if (first === "") {
    const length = Math.min(Number(last), size)
    return length === 0 ? { _tag: "None" } : { _tag: "Part", part: { offset: size - length, length } }
  }
  const offset = Number(first)
  if (last !== "" && Number(last) < offset) return whole
  if (offset >= size) return { _tag: "None" }
  const end = last === "" ? size - 1 : Math.min(Number(last), size - 1)
  return { _tag: "Part", part: { offset, length: end - offset + 1 } }
}
