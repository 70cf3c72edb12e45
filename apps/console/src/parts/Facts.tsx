/** What there is to know of a thing, each with its name. */
import { Fragment, type ReactNode } from "react"
import classes from "./Facts.module.css"

export const Facts = ({ of }: { readonly of: ReadonlyArray<readonly [name: ReactNode, value: ReactNode]> }) => (
  <dl className={classes["facts"]}>
    {of.map(([name, value], n) => (
      // The list is made anew as a whole, so places are names enough.
      <Fragment key={n}>
        <dt>{name}</dt>
        <dd>{value}</dd>
      </Fragment>
    ))}
  </dl>
)
