/** Nothing is here, why that may be, and what to do. */
import { Text } from "@mantine/core"
import type { ReactNode } from "react"
import classes from "./Empty.module.css"

export interface Props {
  readonly title: string
  readonly icon?: ReactNode
  readonly action?: ReactNode
  readonly children?: ReactNode
}

export const Empty = ({ action, children, icon, title }: Props) => (
  <div className={classes["empty"]}>
    {icon === undefined ? null : <div className={classes["icon"]}>{icon}</div>}
    <Text fw={600}>{title}</Text>
    {children === undefined ? null : (
      <Text size="sm" c="dimmed" component="div" className={classes["words"] ?? ""}>
        {children}
      </Text>
    )}
    {action === undefined ? null : <div className={classes["action"]}>{action}</div>}
  </div>
)
