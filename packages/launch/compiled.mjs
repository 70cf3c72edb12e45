/**
 * Where Node keeps what it compiled of the apps, which halves the start of the sources and takes a fifth off that of a bundle.
 * In the home folder and not in a shared one: who can write there could make this user run other code.
 */
import { homedir } from "node:os"
import { join } from "node:path"

/** `undefined` for a user whom the system does not know, who has no home. */
export const compiled = () => {
  if (process.env.XDG_CACHE_HOME) return join(process.env.XDG_CACHE_HOME, "piecework", "compiled")
  try {
    return join(homedir(), ".cache", "piecework", "compiled")
  } catch {
    return undefined
  }
}
