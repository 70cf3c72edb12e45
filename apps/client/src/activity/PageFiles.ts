/** The files of the page, read into memory once: what a request names is looked up, never opened. */
import { readdir, readFile } from "node:fs/promises"
import { extname, join } from "node:path"
import { Effect, Schema } from "effect"

export interface PageFile {
  readonly bytes: Buffer
  readonly type: string
  /** Its name says what is in it, so a browser may keep it. */
  readonly isLasting: boolean
}

/** Name under the page's address → file. */
export type PageFiles = ReadonlyMap<string, PageFile>

export class PageFilesError extends Schema.TaggedError<PageFilesError>()("PageFilesError", {
  folder: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return `The activity page is not in ${this.folder}; npm run build in apps/console makes it.`
  }
}

/** Where a page begins. */
export const entry = "activity.html"

/** Files and bytes of a page; one with more is not what was built. */
const most = { files: 200, bytes: 16_777_216 }

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
  ".png": "image/png"
}

/** Those in the folder that a page can have, and no others. Of several pages in it only the entry is taken. */
export const load = Effect.fn("PageFiles.load")(function* (
  folder: string
): Effect.fn.Return<PageFiles, PageFilesError> {
  const files = yield* Effect.tryPromise({
    try: () => read(folder),
    catch: (cause) => new PageFilesError({ folder, cause })
  })
  return files.has(entry) ? files : yield* new PageFilesError({ folder })
})

const read = async (folder: string): Promise<PageFiles> => {
  const files = new Map<string, PageFile>()
  let total = 0
  const found = await readdir(folder, { recursive: true, withFileTypes: true })
  for (const one of found) {
    const type = types[extname(one.name)]
    if (!one.isFile() || type === undefined) continue
    const path = join(one.parentPath, one.name)
    const name = path.slice(folder.length).replaceAll("\\", "/").replace(/^\/+/, "")
    if (name.endsWith(".html") && name !== entry) continue
    const bytes = await readFile(path)
    total += bytes.length
    if (files.size >= most.files || total > most.bytes) throw new Error("more than a page")
    files.set(name, { bytes, type, isLasting: name.startsWith("assets/") })
  }
  return files
}
