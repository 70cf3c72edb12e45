/**
 * Makes folders, with those above them. One after the other: where the system refuses a folder as "not there", as in /proc, Node's own
 * recursive way asks without end.
 */
import { mkdir, stat } from "node:fs/promises"
import { dirname, resolve } from "node:path"

/** Fails with the system's error, such as ENOTDIR where a file is in the way. `mode` is that of each folder that is made, default 0o777. */
export const make = async (folder: string, options?: { readonly mode?: number | undefined }): Promise<void> => {
  const path = resolve(folder)
  try {
    await mkdir(path, options?.mode)
  } catch (cause) {
    const code = codeOf(cause)
    // It is there, or another process has made it meanwhile; a disk that cannot be written says so before it looks.
    if (code !== "ENOENT") return await expectFolder(path, cause)
    const above = dirname(path)
    if (above === path || (await isFolder(above))) throw cause
    await make(above, options)
    await mkdir(path, options?.mode).catch((again: unknown) => expectFolder(path, again))
  }
}

const expectFolder = async (path: string, cause: unknown): Promise<void> => {
  if (!(await isFolder(path))) throw cause
}

const isFolder = async (path: string): Promise<boolean> => {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    return false
  }
}

const codeOf = (cause: unknown): unknown =>
  typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined
