/** How good savings are, in a word with a colour; what it means for who points at it. */
import { Tooltip } from "@mantine/core"
import { type Grade, looks } from "../view/Grade.ts"
import { Tag, type Tone } from "./Tag.tsx"

const tones: Readonly<Record<Grade, Tone>> = { None: "none", Error: "error", Warning: "warning", Good: "good" }

export const GradeMark = ({ grade }: { readonly grade: Grade }) => {
  const { meaning, word } = looks[grade]
  return (
    <Tooltip label={meaning} w={260}>
      <Tag tone={tones[grade]}>{word}</Tag>
    </Tooltip>
  )
}
