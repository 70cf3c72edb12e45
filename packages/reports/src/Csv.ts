/**
 * Rows as comma-separated values. Source: RFC 4180. A text that a spreadsheet would take for a formula gets an apostrophe before it: what
 * devices say of themselves must not run on an administrator's machine. Source: OWASP, CSV injection.
 */

export type Value = string | number | boolean | undefined

/** One record, without its line break, which is CR LF. */
export const record = (values: ReadonlyArray<Value>): string => values.map(field).join(",")

/** What ends each record. */
export const lineBreak = "\r\n"

const field = (value: Value): string => {
  if (typeof value !== "string") return value === undefined ? "" : String(value)
  const text = /^[=+\-@\t\r\n]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** The values of these columns; what is no single value is its JSON. */
export const valuesOf = (row: { readonly [column: string]: unknown }, columns: ReadonlyArray<string>) =>
  columns.map((column): Value => {
    const value = row[column]
    if (value === undefined || value === null) return undefined
    return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
      ? value
      : JSON.stringify(value)
  })
