/** Which colour is which, in words beside a chart. */
import classes from "./Legend.module.css"

export interface Entry {
  readonly label: string
  readonly color: string
}

export const Legend = ({ entries }: { readonly entries: ReadonlyArray<Entry> }) => (
  <ul className={classes["legend"]} aria-label="Colours">
    {entries.map(({ color, label }) => (
      <li key={label}>
        <span style={{ background: color }} />
        {label}
      </li>
    ))}
  </ul>
)
