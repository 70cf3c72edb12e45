/**
 * Completes package-lock.json: some registries lag behind on optional binaries for other platforms, and `npm ci`
 * refuses a lock file that lacks them. Each hole gets an entry that this platform skips.
 * `--check` only tells whether there are holes.
 */
import { readFileSync, writeFileSync } from "node:fs"

const lock = JSON.parse(readFileSync("package-lock.json", "utf8"))
const before = Object.keys(lock.packages).length
for (const [key, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (lock.packages[`node_modules/${name}`] || lock.packages[`${key}/node_modules/${name}`]) continue
    const match = /-(darwin|win32|windows|linux|freebsd|android)-(x64|arm64|arm|64)/.exec(name)
    const cpu = match?.[2] === "64" ? "x64" : (match?.[2] ?? "none")
    const os = match?.[1] === "windows" ? "win32" : (match?.[1] ?? "none")
    lock.packages[`node_modules/${name}`] = { version, cpu: [cpu], dev: true, optional: true, os: [os] }
  }
}
if (process.argv.includes("--check")) {
  if (Object.keys(lock.packages).length > before) throw new Error("incomplete lock file: npm run lock")
} else {
  lock.packages = Object.fromEntries(Object.entries(lock.packages).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  writeFileSync("package-lock.json", JSON.stringify(lock, null, 2) + "\n")
}
