/** One bar cut by where bytes came from. Its parts are also said in words, and named when pointed at. */
import * as Amount from "../view/Amount.ts"
import { type BytesBySource, sources } from "../view/Source.ts"
import classes from "./SourceBar.module.css"

export const SourceBar = ({ of, size = "md" }: { readonly of: BytesBySource; readonly size?: "sm" | "md" }) => {
  const whole = sources.reduce((sum, { field }) => sum + of[field], 0)
  const parts = sources.filter(({ field }) => of[field] > 0)
  const words = parts.map(({ field, label }) => `${label} ${Amount.percent(Amount.share(of[field], whole))}`).join(", ")
  return (
    <div className={classes["bar"]} data-size={size} role="img" aria-label={words === "" ? "Nothing fetched" : words}>
      {parts.map(({ color, field, label }) => (
        <span
          key={field}
          style={{ flexGrow: of[field] / whole, background: color }}
          title={`${label}: ${Amount.bytes(of[field])}, ${Amount.percent(Amount.share(of[field], whole))}`}
        />
      ))}
    </div>
  )
}
