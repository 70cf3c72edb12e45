/**
 * Makes the bundle of an app: one file of its own code and all it stands on, which starts in a sixth of the time and half
 * the memory that the sources take, and a small one in front of it (see begin). `node bundle.mjs FOLDER` for the app in the
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

/** Answers the bundle's entry. */
export const bundle = async (folder) => (await bundleOf(folder)).entry

/** Answers the entry and the files that it was made of. Our packages are taken from their sources, so nothing has to be built before. */
export const bundleOf = async (folder) => {
  const app = join(folder, "src", "main.ts")
  const { output } = await build({
    input: { main: begin },
    platform: "node",
    logLevel: "warn",
    resolve: { conditionNames: ["source", "import", "node", "default"] },
    plugins: [
      {
        name: "app",
        resolveId: (id) => (id === "piecework:app" ? app : undefined)
      }
    ],
    output: {
      format: "esm",
      comments: false,
      entryFileNames: "[name].js",
      chunkFileNames: ({ facadeModuleId }) => (facadeModuleId === app ? "app.js" : "[name].js")
    },
    write: false
  })
  await mkdir(placeOf(folder), { recursive: true })
  // Others may start the bundle, or make it, at this moment: each file appears whole, the entry behind what it loads.
  for (const { fileName, code } of output.toSorted((a, b) => Number(a.isEntry) - Number(b.isEntry))) {
    const file = join(placeOf(folder), fileName)
    const draft = `${file}.${process.pid}`
    await writeFile(draft, code)
    await rename(draft, file)
  }
  return { entry: entryOf(folder), modules: output.flatMap(({ moduleIds }) => moduleIds ?? []) }
}

if (import.meta.main) await bundle(resolve(process.argv[2] ?? "."))
