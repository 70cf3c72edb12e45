/** How good savings are, in a word with a colour; what it means for who points at it. */
import { Tooltip } from "@mantine/core"
import { type Grade, looks } from "../view/Grade.ts"
import classes from "./GradeMark.module.css"

export const GradeMark = ({ grade }: { readonly grade: Grade }) => {
  const { meaning, word } = looks[grade]
  return (
    <Tooltip label={meaning} w={260}>
      <span className={classes["mark"]} data-grade={grade}>
        {word}
      </span>
    </Tooltip>
  )
}
