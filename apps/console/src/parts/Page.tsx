/** A page within the frame: its title, what can be done with it, and its contents. */
import { Text, Title } from "@mantine/core"
import type { ReactNode } from "react"
import classes from "./Page.module.css"

export interface Props {
  readonly title: string
  /** One sentence under the title. */
  readonly about?: ReactNode
  /** Beside the title: switches and buttons. */
  readonly actions?: ReactNode
  readonly children: ReactNode
}

export const Page = ({ about, actions, children, title }: Props) => (
  <>
    <title>{`${title} · Piecework`}</title>
    <div className={classes["head"]}>
      <div className={classes["words"]}>
        <Title order={1} size="h2">
          {title}
        </Title>
        {about === undefined ? null : (
          <Text size="sm" c="dimmed" mt={2} component="div">
            {about}
          </Text>
        )}
      </div>
      {actions === undefined ? null : <div className={classes["actions"]}>{actions}</div>}
    </div>
    <div className={classes["body"]}>{children}</div>
  </>
)
