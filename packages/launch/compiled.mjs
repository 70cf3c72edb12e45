/**
 * Where Node keeps what it compiled of the apps, which halves the start of the sources and takes a fifth off that of a bundle.
 * In the home folder and not in a shared one: who can write there could make this user run other code.
 */
import { mkdirSync } from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"

/**
 * The folder, made when missing; `undefined` when there is no place for it, as for a user whom the system does not know. Made
 * here, one level after the other, because Node would try for ever where a file system takes no new names, such as /proc.
 */
export const compiled = () => {
  try {
    let folder = process.env.XDG_CACHE_HOME || join(homedir(), ".cache")
    makeOne(folder)
    for (const name of ["piecework", "compiled"]) makeOne((folder = join(folder, name)))
    return folder
  } catch {
    return undefined
  }
}

const makeOne = (folder) => {
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    if (error.code !== "EEXIST") throw error
  }
}
