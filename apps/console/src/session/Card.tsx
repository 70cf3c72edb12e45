/** What is shown in place of the console at its door: one card, and below it what is always there. */
import { Text, Title } from "@mantine/core"
import type { ReactNode } from "react"
import { Logo } from "../frame/Logo.tsx"
import { ThemeSwitch } from "../frame/ThemeSwitch.tsx"
import classes from "./Card.module.css"

export interface Props {
  readonly title: string
  readonly children: ReactNode
  /** Of the service. */
  readonly version: string
}

export const Card = ({ children, title, version }: Props) => (
  <div className={classes["page"]}>
    <main className={classes["card"]}>
      <title>{`${title} · Piecework`}</title>
      <Logo />
      <Title order={1} size="h3" mt="lg">
        {title}
      </Title>
      {children}
    </main>
    <footer className={classes["foot"]}>
      <Text size="sm" c="dimmed">
        Piecework {version}
      </Text>
      <ThemeSwitch />
    </footer>
  </div>
)
