/** What the bar of a download shows: what came from where, and what is there without its being known where it came from. Pure. */
import type { Part } from "./Split.tsx"
import type { Running } from "./Running.ts"
import { down } from "./Sources.ts"

export interface Parts {
  /** Those of which something came. */
  readonly known: ReadonlyArray<Part>
  readonly bar: ReadonlyArray<Part>
  /** Bytes that the whole bar stands for. */
  readonly of: number
}

export const of = ({ came, done, state, total }: Running): Parts => {
  const known = [
    ...down.map((part) => ({ ...part, bytes: came[part.key] })),
    { key: "held", label: "Was here before", color: "var(--grade-none)", bytes: came.held }
  ].filter(({ bytes }) => bytes > 0)
  const sum = known.reduce((all, { bytes }) => all + bytes, 0)
  // Where they came from is forgotten with the run; what is done is whole all the same, and looks so.
  const others = {
    key: "others",
    label: "",
    color: state === "Done" ? "var(--grade-good)" : "var(--grade-none)",
    bytes: Math.max(0, done - sum)
  }
  return { known, bar: [...known, others], of: Math.max(total, others.bytes + sum) }
}
