/** The files that a cache server keeps, as a table for people. */
import type { File } from "../control/Status.ts"
import * as Amount from "./Amount.ts"
import * as Table from "./Table.ts"

/** `now` is epoch milliseconds. */
export const render = (files: ReadonlyArray<File>, now: number): string => {
  if (files.length === 0) return "Nothing is kept yet."
  const rows = files
    .toSorted((a, b) => (b.usedAt ?? 0) - (a.usedAt ?? 0))
    .map(({ contentId, heldBytes, size, url, usedAt, uses }) => [
      url ?? contentId ?? "-",
      Amount.bytes(size),
      size === 0 ? "100 %" : `${Math.floor((100 * heldBytes) / size)} %`,
      usedAt === undefined ? "-" : `${Amount.span(now - usedAt)} ago`,
      uses === undefined ? "-" : String(uses)
    ])
  return Table.render(["FILE", "SIZE", "HELD", "USED", "TIMES"], rows, new Set(["SIZE", "HELD", "TIMES"]))
}
