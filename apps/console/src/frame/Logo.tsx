/** The sign of the project and its name. */
import icon from "../icon.svg"
import classes from "./Logo.module.css"

export const Logo = () => (
  <span className={classes["logo"]}>
    <img src={icon} alt="" width={28} height={28} />
    Piecework
  </span>
)
