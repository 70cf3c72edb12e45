/** The activity page of a device, which its agent serves on the loopback. */
import "../theme/styles.ts"
import { createRoot } from "react-dom/client"
import { adopt } from "../theme/theme.ts"
import { Activity } from "./Activity.tsx"
import * as Key from "./Key.ts"

adopt()
Key.take()
const root = document.querySelector("#root")
if (root === null) throw new Error("The page has no root.")
createRoot(root).render(<Activity />)
