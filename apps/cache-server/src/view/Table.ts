/** Rows of text below a head, each column as wide as its longest cell. */

/** `right` are the columns that stand at the right edge, as numbers do. */
export const render = (
  head: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string>>,
  right: ReadonlySet<string> = new Set()
): string => {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)))
  const padded = (cell: string, i: number) =>
    right.has(head[i] ?? "") ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)
  return [head, ...rows].map((row) => row.map(padded).join("  ").trimEnd()).join("\n")
}
