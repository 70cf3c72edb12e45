/**
 * Which bytes of a file follow an answer, by the conditions and the range of its request, and what its head says of that. Pure. Source: RFC
 * 9110, sections 13 and 14.
 */
import * as ByteRange from "./ByteRange.ts"
import * as Conditions from "./Conditions.ts"
import type { Header } from "./Headers.ts"

export interface Asked {
  readonly method?: string | undefined
  /** By name in small letters. */
  readonly headers: Conditions.Asked & { readonly range?: string | undefined }
}

export interface Selection {
  readonly status: 200 | 206 | 304 | 412 | 416
  /** Of length and place alone. */
  readonly headers: ReadonlyArray<Header>
  /** What follows; `undefined` when nothing does. */
  readonly part: ByteRange.Part | undefined
}

/** Of a file of `size` bytes. */
export const select = ({ headers, method }: Asked, size: number, version: Conditions.Version): Selection => {
  const empty = (status: Selection["status"], ...said: ReadonlyArray<Header>): Selection => ({
    status,
    headers: said,
    part: undefined
  })
  const verdict = Conditions.evaluate(headers, version)
  if (verdict === "NotModified") return empty(304)
  if (verdict === "Failed") return empty(412, ["Content-Length", "0"])
  // Ranges are defined for GET alone.
  const wanted = method === "GET" && Conditions.mayHaveRange(headers, version) ? headers.range : undefined
  const range = ByteRange.parse(wanted, size)
  if (range._tag === "None") return empty(416, ["Content-Range", `bytes */${size}`], ["Content-Length", "0"])
  if (range._tag === "Part") {
    const { length, offset } = range.part
    const place: Header = ["Content-Range", `bytes ${offset}-${offset + length - 1}/${size}`]
    return { status: 206, headers: [place, ["Content-Length", String(length)]], part: range.part }
  }
  const hasBody = method !== "HEAD" && size > 0
  return {
    status: 200,
    headers: [["Content-Length", String(size)]],
    part: hasBody ? { offset: 0, length: size } : undefined
  }
}
