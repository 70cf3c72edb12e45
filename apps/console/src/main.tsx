/** The console: savings, swarms, contents and devices of an organisation, for its administrators. */
import "./theme/styles.ts"
import { createRoot } from "react-dom/client"
import { Console } from "./Console.tsx"
import { preload } from "./frame/Places.ts"
import { adopt } from "./theme/theme.ts"

// While the service is asked who is signed in.
preload(location.hash)
adopt()
const root = document.querySelector("#root")
if (root === null) throw new Error("The page has no root.")
createRoot(root).render(<Console />)
