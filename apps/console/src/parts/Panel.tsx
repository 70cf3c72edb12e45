/** A part of a page with its own heading, on a surface of its own. */
import { Text, Title } from "@mantine/core"
import { type ReactNode, useId } from "react"
import classes from "./Panel.module.css"

export interface Props {
  readonly title: string
  readonly about?: ReactNode
  readonly actions?: ReactNode
  readonly children: ReactNode
}

export const Panel = ({ about, actions, children, title }: Props) => {
  const id = useId()
  return (
    <section className={classes["panel"]} aria-labelledby={id}>
      <div className={classes["head"]}>
        <div>
          <Title order={2} size="h5" id={id}>
            {title}
          </Title>
          {about === undefined ? null : (
            <Text size="sm" c="dimmed" component="div">
              {about}
            </Text>
          )}
        </div>
        {actions === undefined ? null : <div className={classes["actions"]}>{actions}</div>}
      </div>
      {children}
    </section>
  )
}

/** Panels or tiles side by side where there is room for each to be `least` wide. */
export const Columns = ({ children, least = "20rem" }: { readonly children: ReactNode; readonly least?: string }) => (
  <div className={classes["columns"]} style={{ "--least": least }}>
    {children}
  </div>
)
