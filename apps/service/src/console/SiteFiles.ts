/**
 * The files of the console as they are built: read when somebody first asks for one, and again when they changed, so that a service that runs
 * shows what was built meanwhile. A name is looked up among those that are in the folder; nothing that a caller says is used as a path.
 */
import { createHash } from "node:crypto"
import { readdir, readFile, stat } from "node:fs/promises"
import { extname, join, sep } from "node:path"
import { promisify } from "node:util"
import { brotliCompress, constants, gzip } from "node:zlib"
import { Effect } from "effect"

/** As a browser may ask for it; the first that it takes is taken. */
export const encodings = ["br", "gzip"] as const
export type Encoding = (typeof encodings)[number]

export interface SiteFile {
  readonly type: string
  /** The same bytes, the same tag; in quotes. */
  readonly etag: string
  /** Its name says what is in it, so it never changes. */
  readonly isLasting: boolean
  readonly bytes: Uint8Array
  /** Made when somebody first asks for it; absent for what does not get smaller. */
  readonly packed: ((encoding: Encoding) => Promise<Uint8Array>) | undefined
}

export interface SiteFiles {
  /** The file of that name ("index.html", "assets/main-Bx3f.js"), or nothing. `NotBuilt` when there is no console in any of the folders. */
  readonly find: (name: string) => Effect.Effect<SiteFile | "NotFound" | "NotBuilt">
}

/** A build has some dozens of files, of 2 MB together. */
const mostFiles = 500
const mostBytes = 64 * 1_048_576

/** The first of the folders that has a page counts. */
export const make = (folders: ReadonlyArray<string>): SiteFiles => {
  let built: { readonly mark: string; readonly files: ReadonlyMap<string, SiteFile> } | undefined
  let reading: Promise<void> | undefined

  const renew = async () => {
    for (const folder of folders) {
      const mark = await markOf(folder)
      if (mark === undefined) continue
      if (built?.mark !== mark) built = { mark, files: await read(folder) }
      return
    }
    built = undefined
  }

  return {
    find: (name) =>
      Effect.tryPromise(() => {
        // Those that come meanwhile wait for the same.
        reading ??= renew().finally(() => (reading = undefined))
        return reading
      }).pipe(
        // A build that goes on takes files away; what was there before does until it is done.
        Effect.catch(({ cause }) => Effect.logWarning("The console's files could not be read.", cause)),
        Effect.map(() => (built === undefined ? "NotBuilt" : (built.files.get(name) ?? "NotFound")))
      )
  }
}

/** Of one build: its page is written last and says which files belong to it. */
const markOf = async (folder: string): Promise<string | undefined> => {
  try {
    const { mtimeMs, size } = await stat(join(folder, "index.html"))
    return `${folder} ${mtimeMs} ${size}`
  } catch {
    return undefined
  }
}

const read = async (folder: string): Promise<ReadonlyMap<string, SiteFile>> => {
  const files = new Map<string, SiteFile>()
  let room = mostBytes
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || files.size >= mostFiles) continue
    const path = join(entry.parentPath, entry.name)
    const type = types.get(extname(path))
    // What no browser asks for, and what is on its way into the folder.
    if (type === undefined) continue
    const bytes = await readFile(path)
    room -= bytes.length
    if (room < 0) break
    const name = path
      .slice(folder.length)
      .split(sep)
      .filter((part) => part !== "")
      .join("/")
    files.set(name, fileOf(name, type, bytes))
  }
  return files
}

const fileOf = (name: string, type: string, bytes: Buffer): SiteFile => {
  const made = new Map<Encoding, Promise<Uint8Array>>()
  return {
    type,
    bytes,
    etag: `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 27)}"`,
    isLasting: /^assets\/.+-[\w-]{8}\.\w+$/.test(name),
    packed:
      bytes.length < worthwhile || !isText(type)
        ? undefined
        : (encoding) => {
            const known = made.get(encoding)
            if (known !== undefined) return known
            const packing = packers[encoding](bytes)
            made.set(encoding, packing)
            return packing
          }
  }
}

/** Bytes; less than a packet gets no smaller on the way. */
const worthwhile = 1400

const packers: { readonly [E in Encoding]: (bytes: Buffer) => Promise<Uint8Array> } = {
  // The highest takes seconds for some percent.
  br: (bytes) => promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 6 } }),
  gzip: (bytes) => promisify(gzip)(bytes, { level: 6 })
}

const isText = (type: string): boolean => type.includes("charset") || type === "image/svg+xml"

const types: ReadonlyMap<string, string> = new Map([
  [".html", "text/html; charset=utf-8"],
  [".js", "text/javascript; charset=utf-8"],
  [".css", "text/css; charset=utf-8"],
  [".json", "application/json; charset=utf-8"],
  [".webmanifest", "application/manifest+json; charset=utf-8"],
  [".txt", "text/plain; charset=utf-8"],
  [".svg", "image/svg+xml"],
  [".png", "image/png"],
  [".ico", "image/x-icon"],
  [".woff2", "font/woff2"]
])
