/** Pages beside each other, as links over them; the open one marked. */
import { Link } from "wouter"
import classes from "./Tabs.module.css"

export interface Tab {
  readonly path: string
  readonly label: string
  readonly isOpen: boolean
}

export const Tabs = ({ label, of }: { readonly label: string; readonly of: ReadonlyArray<Tab> }) => {
  return (
    <nav aria-label={label} className={classes["tabs"]}>
      {of.map(({ isOpen, label: name, path }) => (
        <Link key={path} href={path} className={classes["tab"] ?? ""} aria-current={isOpen ? "page" : undefined}>
          {name}
        </Link>
      ))}
    </nav>
  )
}
