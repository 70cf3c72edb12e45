/** Something is on its way. Shown after a moment only, so that what comes at once does not flicker. */
import { Loader, VisuallyHidden } from "@mantine/core"
import classes from "./Waiting.module.css"

export const Waiting = ({ label }: { readonly label: string }) => (
  <div className={classes["waiting"]} role="status">
    <Loader size="sm" aria-hidden />
    <VisuallyHidden>{label}</VisuallyHidden>
  </div>
)
