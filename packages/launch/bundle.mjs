/**
 * Makes the bundle of an app: scripts of its own code and all it stands on, which start in a sixth of the time and half
 * the memory that the sources take, and a small file in front of them (see begin and run). `node bundle.mjs FOLDER` for the app in the
 * folder, or `bundle(folder)`.
 */
import { mkdir, rename, writeFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "rolldown"

const begin = fileURLToPath(new URL("./begin.mjs", import.meta.url))

const placeOf = (folder) => join(folder, "dist", "bundle")

/** Where an app's bundle begins. */
export const entryOf = (folder) => join(placeOf(folder), "main.js")

/** What both are made with: for Node, our packages from their sources, so that nothing has to be built before. */
const common = {
  platform: "node",
  logLevel: "warn",
  resolve: { conditionNames: ["source", "import", "node", "default"] },
  // Somebody asks `import.meta` for what browsers' bundlers put there; a script has none, and that is right.
  onLog: (level, log, tell) => {
    if (log.code !== "EMPTY_IMPORT_META") tell(level, log)
  },
  write: false
}

/**
 * The module of Effect's command line that measures texts makes a segmenter of graphemes when it is loaded. By itself that takes twelve milliseconds
 * of the processor (Node 24.21, median of nine starts with it and without). In a bundle it is made when somebody measures.
 */
export const lateSegmenter = {
  name: "late-segmenter",
  transform: {
    filter: { id: /[\\/]cli[\\/]CliOutput\.[jt]s$/ },
    handler(code, id) {
      const late = code.replace(
        /const graphemeSegmenter = (?:\/\*#__PURE__\*\/ ?)?(new Intl\.Segmenter\(undefined, \{\s*granularity: "grapheme"\s*\}\))/,
        "let madeSegmenter; const graphemeSegmenter = { segment: (text) => (madeSegmenter ??= $1).segment(text) }"
      )
      if (late === code) throw new Error(`${id} makes its segmenter otherwise now: see lateSegmenter`)
      return { code: late }
    }
  }
}

/** Answers the bundle's entry. */
export const bundle = async (folder) => (await bundleOf(folder)).entry

/** Answers the entry and the files that it was made of. */
export const bundleOf = async (folder) => {
  const scripts = await build({
    ...common,
    input: { app: join(folder, "src", "main.ts") },
    plugins: [lateSegmenter],
    output: { format: "cjs", comments: false, entryFileNames: "[name].cjs", chunkFileNames: "[name].cjs" }
  })
  const front = await build({
    ...common,
    input: { main: begin },
    output: { format: "esm", comments: false, entryFileNames: "[name].js" }
  })
  await mkdir(placeOf(folder), { recursive: true })
  // Others may start the bundle, or make it, at this moment: each file appears whole, the entry behind what it loads.
  const parts = [...scripts.output.toSorted((a, b) => Number(a.isEntry) - Number(b.isEntry)), ...front.output]
  for (const { fileName, code } of parts) {
    const file = join(placeOf(folder), fileName)
    const draft = `${file}.${process.pid}`
    await writeFile(draft, code)
    await rename(draft, file)
  }
  return { entry: entryOf(folder), modules: parts.flatMap(({ moduleIds }) => moduleIds ?? []) }
}

if (import.meta.main) await bundle(resolve(process.argv[2] ?? "."))
