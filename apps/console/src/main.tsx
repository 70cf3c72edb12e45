/** The console: savings, swarms, contents and devices of an organisation, for its administrators. */
import "./theme/styles.ts"
import { createRoot } from "react-dom/client"
import { Console } from "./Console.tsx"
import { adopt } from "./theme/theme.ts"

adopt()
const root = document.querySelector("#root")
if (root === null) throw new Error("The page has no root.")
createRoot(root).render(<Console />)
