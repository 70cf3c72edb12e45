/** One figure that is looked at first: what it is, how much, and a line about it. */
import { Text } from "@mantine/core"
import type { ReactNode } from "react"
import classes from "./Stat.module.css"

export interface Props {
  readonly label: string
  readonly value: ReactNode
  /** Beside the value: a badge. */
  readonly mark?: ReactNode
  readonly about?: ReactNode
  readonly icon?: ReactNode
}

export const Stat = ({ about, icon, label, mark, value }: Props) => (
  <div className={classes["stat"]}>
    <div className={classes["label"]}>
      <Text size="sm" c="dimmed" fw={500}>
        {label}
      </Text>
      {icon}
    </div>
    <div className={classes["line"]}>
      <span className={classes["value"]}>{value}</span>
      {mark}
    </div>
    {about === undefined ? null : (
      <Text size="sm" c="dimmed" component="div">
        {about}
      </Text>
    )}
  </div>
)
