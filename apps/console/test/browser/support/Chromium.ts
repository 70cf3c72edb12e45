/**
 * Which browser the tests drive: the one that `CHROME_PATH` names, else one that is installed, else the headless one that an npm package brings
 * (Linux on x64). That package is for functions in a cloud: it unpacks to a name in the folder for temporary files that anybody could have
 * taken before, so it is unpacked here, into a folder of the workspace, once for each version.
 */
import { execFile } from "node:child_process"
import { constants } from "node:fs"
import { access, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises"
import { delimiter, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { brotliDecompress } from "node:zlib"

export interface Chromium {
  readonly path: string
  /** What it needs beside the environment of this process. */
  readonly env: Readonly<Record<string, string>>
}

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]

/** Those that there may be, in the order in which they are to be tried; each is looked for when its turn comes. */
export const candidates = (env: NodeJS.ProcessEnv): ReadonlyArray<() => Promise<Chromium | undefined>> => [
  async () => {
    const path = env["CHROME_PATH"]
    return path !== undefined && (await isProgram(path)) ? { path, env: {} } : undefined
  },
  async () => {
    for (const folder of (env["PATH"] ?? "").split(delimiter)) {
      for (const name of names) {
        const path = join(folder, name)
        if (folder !== "" && (await isProgram(path))) return { path, env: {} }
      }
    }
    return undefined
  },
  ofPackage
]

const isProgram = async (path: string): Promise<boolean> =>
  await access(path, constants.X_OK).then(
    () => true,
    () => false
  )

const cache = fileURLToPath(new URL("../../../../../node_modules/.cache/chromium", import.meta.url))

/** Name of the package; it is optional, so that an install without it is whole. */
const packageName = "@sparticuz/chromium"

const ofPackage = async (): Promise<Chromium | undefined> => {
  if (process.platform !== "linux" || process.arch !== "x64") return undefined
  let packed: string
  try {
    packed = join(dirname(fileURLToPath(import.meta.resolve(packageName))), "..")
  } catch {
    return undefined
  }
  const { version } = JSON.parse(await readFile(join(packed, "package.json"), "utf8")) as { readonly version: string }
  const folder = join(cache, version)
  if (!(await exists(folder))) await unpack(join(packed, "bin"), folder)
  // Machines without a browser lack its libraries and a font, too; those of the system are not needed beside them.
  return {
    path: join(folder, "chromium"),
    env: {
      LD_LIBRARY_PATH: join(folder, "lib"),
      ...((await exists("/etc/fonts")) ? {} : { FONTCONFIG_PATH: join(folder, "fonts") })
    }
  }
}

const exists = async (path: string): Promise<boolean> =>
  await stat(path).then(
    () => true,
    () => false
  )

/** It appears whole or not at all, also when two processes make it. */
const unpack = async (bin: string, folder: string): Promise<void> => {
  const draft = `${folder}.${process.pid}`
  await mkdir(draft, { recursive: true })
  try {
    await writeFile(join(draft, "chromium"), await plain(join(bin, "chromium.br")), { mode: 0o755 })
    for (const name of ["al2023.tar", "fonts.tar"]) {
      await writeFile(join(draft, name), await plain(join(bin, `${name}.br`)))
      await run("tar", ["-xf", name], { cwd: draft })
    }
    await rename(draft, folder)
  } catch (error) {
    if (!(await exists(folder))) throw error
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

const run = promisify(execFile)
const decompress = promisify(brotliDecompress)
const plain = async (file: string): Promise<Buffer> => await decompress(await readFile(file))
