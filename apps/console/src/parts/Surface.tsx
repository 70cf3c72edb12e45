/** What stands on a page without a heading of its own. */
import type { ReactNode } from "react"
import classes from "./Panel.module.css"

export const Surface = ({ children }: { readonly children: ReactNode }) => (
  <div className={classes["panel"]}>{children}</div>
)
