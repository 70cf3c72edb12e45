/** A word about the state of something, with a mark in its colour and of its shape: the word says it, too, so that no colour is needed to understand it. */
import type { ComponentProps } from "react"
import classes from "./Tag.module.css"

export type Tone = "good" | "warning" | "error" | "none" | "active"

export interface Props extends Omit<ComponentProps<"span">, "className"> {
  readonly tone: Tone
  readonly children: string
}

export const Tag = ({ tone, ...rest }: Props) => <span {...rest} className={classes["tag"]} data-tone={tone} />
