/** What a sum is made of: a bar, and the same as a list with numbers, which is what readers of the screen are told. */
import { Text } from "@mantine/core"
import { useId } from "react"
import * as Amount from "../view/Amount.ts"
import classes from "./Split.module.css"

export interface Part {
  readonly key: string
  readonly label: string
  readonly color: string
  readonly bytes: number
}

export interface Props {
  readonly title: string
  readonly parts: ReadonlyArray<Part>
  /** What is said when all of it is nothing. */
  readonly none?: string
}

export const Split = ({ none = "Nothing yet.", parts, title }: Props) => {
  const id = useId()
  const all = parts.reduce((sum, { bytes }) => sum + bytes, 0)
  return (
    <section aria-labelledby={id}>
      <div className={classes["head"]}>
        <Text component="h3" fw={600} id={id} className={classes["title"] ?? ""}>
          {title}
        </Text>
        <Text fw={600}>{Amount.bytes(all)}</Text>
      </div>
      <Bar parts={parts} of={all} />
      {all === 0 ? (
        <Text size="sm" c="dimmed" mt="xs">
          {none}
        </Text>
      ) : (
        <ul className={classes["list"]}>
          {parts.map(({ bytes, color, key, label }) => (
            <li key={key} className={classes["item"]}>
              <span className={classes["dot"]} style={{ background: color }} />
              <span className={classes["label"]}>{label}</span>
              <span className={classes["bytes"]}>{Amount.bytes(bytes)}</span>
              <span className={classes["share"]}>{Amount.percent(Amount.share(bytes, all))}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

/** Parts of a whole, side by side; the rest of it stays empty. Numbers stand beside it. */
export const Bar = ({ of, parts }: { readonly parts: ReadonlyArray<Part>; readonly of: number }) => (
  <div className={classes["bar"]} aria-hidden>
    {parts
      .filter(({ bytes }) => bytes > 0)
      .map(({ bytes, color, key }) => (
        <span key={key} style={{ width: `${Amount.share(bytes, of)}%`, background: color }} />
      ))}
  </div>
)
