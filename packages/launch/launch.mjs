/**
 * Starts one of the apps from its sources in the workspace, else from the bundle that `npm run build` makes, with this
 * Node, or with the one in node_modules where this one is too old. Plain JavaScript, so that any Node can tell what is wrong.
 */
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { constants } from "node:os"
import { fileURLToPath } from "node:url"
import { compiled } from "./compiled.mjs"

/** What the sources need: type stripping and node:sqlite with time limits. */
export const needed = [22, 19]

/** `name` is what the program calls itself, `base` the URL of the file in the app's `bin` folder. */
export const launch = (name, base) => {
  const path = (relative) => fileURLToPath(new URL(relative, base))
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)
  const isNewEnough = major > needed[0] || (major === needed[0] && minor >= needed[1])
  const node = isNewEnough
    ? process.execPath
    : ["../node_modules/node/bin/node", "../../../node_modules/node/bin/node"].map(path).find(existsSync)
  if (node === undefined) {
    console.error(`${name}: Node ${needed.join(".")} or later is needed; this is ${process.version}.`)
    process.exit(1)
  }

  const source = path("../src/main.ts")
  const program = existsSync(source) ? ["--conditions=source", source] : [path("../dist/bundle/main.js")]
  const args = ["--disable-warning=ExperimentalWarning", ...program, ...process.argv.slice(2)]

  const folder = process.env.NODE_COMPILE_CACHE ?? compiled()
  const env = folder === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: folder }

  if (typeof process.execve === "function") {
    // The same process goes on as the program, so whoever started it can signal it.
    process.execve(node, [node, ...args], env)
  }
  const child = spawn(node, args, { stdio: "inherit", env })
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal))
  child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
}
