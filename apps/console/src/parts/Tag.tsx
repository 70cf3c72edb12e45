/** A word about the state of something, with a dot in its colour: the word says it, too, so that no colour is needed to understand it. */
import classes from "./Tag.module.css"

export type Tone = "good" | "warning" | "error" | "none" | "active"

export const Tag = ({ tone, children }: { readonly tone: Tone; readonly children: string }) => (
  <span className={classes["tag"]} data-tone={tone}>
    {children}
  </span>
)
