/** Text for a terminal of a certain width, with or without colours. */

export type Colour = "origin" | "peers" | "cache" | "dim" | "good" | "bad" | "strong"

/** Numbers of SGR. Origin and peers are yellow and cyan, which people who see few colours can tell apart. */
const codes: { readonly [C in Colour]: string } = {
  origin: "33",
  peers: "36",
  cache: "35",
  dim: "2",
  good: "32",
  bad: "31",
  strong: "1"
}

/** A part of a line; no control characters. */
export interface Span {
  readonly text: string
  readonly colour?: Colour | undefined
}

export interface Paper {
  /** Cells in a line. */
  readonly columns: number
  /** Lines on the screen. */
  readonly rows: number
  readonly colour: boolean
  /** Whether more than ASCII can be shown. */
  readonly unicode: boolean
}

export const plain = (text: string): Span => ({ text })
export const ink = (colour: Colour, text: string): Span => ({ text, colour })

/** One line, cut at the width of the paper. */
export const line = (spans: ReadonlyArray<Span>, paper: Paper): string => {
  const whole = spans.reduce((sum, span) => sum + span.text.length, 0)
  const cut = whole > paper.columns
  let left = cut ? paper.columns - 1 : paper.columns
  let out = ""
  for (const { text, colour } of spans) {
    const shown = text.slice(0, Math.max(0, left))
    left -= shown.length
    out += shown !== "" && colour !== undefined && paper.colour ? `\u001b[${codes[colour]}m${shown}\u001b[0m` : shown
  }
  if (!cut || paper.columns < 1) return out
  return `${out}${paper.unicode ? "…" : "~"}`
}

/** A text from outside without what could move the cursor or change colours. */
// oxlint-disable-next-line no-control-regex -- control characters are what is taken out
export const harmless = (text: string): string => text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, "?")

/** What the environment and the terminal allow. Source of NO_COLOR: https://no-color.org. */
export const paperOf = (
  env: { readonly [name: string]: string | undefined },
  columns: number,
  rows: number
): Paper => ({
  columns: columns > 0 ? columns : 80,
  rows: rows > 0 ? rows : 24,
  colour: (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb",
  unicode: /utf-?8/i.test(env["LC_ALL"] || env["LC_CTYPE"] || env["LANG"] || "")
})
