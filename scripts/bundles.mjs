/**
 * Before the tests: the bundles of the apps, as they are shipped. The processes that tests start run from them, in a quarter of the time that
 * the sources take to start. Nothing is made anew while no source is younger.
 */
import { readdir, stat } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { bundle, entryOf } from "@piecework/launch/bundle"

const root = fileURLToPath(new URL("..", import.meta.url))
const apps = ["client", "service", "cache-server"].map((name) => join(root, "apps", name))

/** When a file was written, in epoch milliseconds; 0 for one that is not there. */
const writtenAt = (file) =>
  stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0
  )

/** When the youngest file of the folders was written. */
const youngest = async (folders) => {
  const written = await Promise.all(
    folders.map(async (folder) => {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true })
      return Promise.all(
        entries.filter((entry) => entry.isFile()).map((entry) => writtenAt(join(entry.parentPath, entry.name)))
      )
    })
  )
  return Math.max(...written.flat())
}

const sourcesOf = async (floor) => {
  const rooms = await readdir(join(root, floor), { withFileTypes: true })
  return rooms
    .filter((entry) => entry.isDirectory() && entry.name !== "console")
    .map(({ name }) => join(root, floor, name, name === "launch" ? "" : "src"))
}

/** Called by vitest, once for a run. */
export const setup = async () => {
  const sources = await youngest([...(await sourcesOf("packages")), ...(await sourcesOf("apps"))])
  const installed = await writtenAt(join(root, "node_modules", ".package-lock.json"))
  const made = Math.min(...(await Promise.all(apps.map((app) => writtenAt(entryOf(app))))))
  if (made <= Math.max(sources, installed)) await Promise.all(apps.map((app) => bundle(app)))
}
