/** The line that shows how far hashing is. */
import * as Amount from "./Amount.ts"
import { printable } from "./Printable.ts"

export interface Progress {
  readonly name: string
  readonly hashed: number
  readonly total: number
  /** Milliseconds since the start. */
  readonly elapsed: number
  /** Width of the terminal. */
  readonly columns: number
}

/** Fits into the terminal: the bar takes what the words leave, and words go when there is no room. */
export const progressLine = ({ columns, elapsed, hashed, name, total }: Progress): string => {
  const share = total === 0 ? 1 : hashed / total
  const percent = `${Math.floor(share * 100)} %`.padStart(5)
  const rate = elapsed > 0 ? `${Amount.bytes((hashed / elapsed) * 1000)}/s` : ""
  const words = `${percent} of ${Amount.bytes(total)}  ${rate}`
  const left = columns - 1 - words.length - 2
  if (left < 8) return words.slice(0, columns - 1)
  const label = left >= 30 ? `${printable(name).slice(0, left - 22)} ` : ""
  const width = Math.min(40, left - label.length)
  const filled = Math.round(share * width)
  return `${label}[${"#".repeat(filled)}${"-".repeat(width - filled)}]${words}`
}
