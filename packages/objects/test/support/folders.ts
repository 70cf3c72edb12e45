/** Folders and file systems for tests, gone with their scope. */
import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"

export const tempFolder = Effect.acquireRelease(
  Effect.sync(() => fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "piecework-objects-")))),
  (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true }))
)

/** Whether this process may mount file systems: root on Linux, outside a container that forbids it. */
export const canMount = ((): boolean => {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "piecework-objects-probe-"))
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], { stdio: "ignore" })
    execFileSync("umount", [folder], { stdio: "ignore" })
    return true
  } catch {
    return false
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
})()

/** A file system of so many KiB. */
export const tinyDisk = (kib: number) =>
  Effect.flatMap(tempFolder, (folder) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        execFileSync("mount", ["-t", "tmpfs", "-o", `size=${kib}k,mode=700`, "tmpfs", folder])
        return folder
      }),
      () => Effect.sync(() => void execFileSync("umount", [folder]))
    )
  )
