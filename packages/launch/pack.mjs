/**
 * Makes the npm package of an app: its bundle, the launcher, and the licences of what is in the bundle. It depends on nothing, so
 * what is installed is what was tested. `node pack.mjs FOLDER [TO]` writes the tarball into TO, by default `dist` of the
 * folder it was called from, and says its name.
 */
import { execFileSync } from "node:child_process"
import { copyFile, cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { dirname, join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { bundleOf, entryOf } from "./bundle.mjs"
import { needed } from "./launch.mjs"
import { filesOf } from "./site.mjs"

const here = (name) => fileURLToPath(new URL(name, import.meta.url))

/** Lays the package out in the app's `dist/package`; answers that folder. */
export const layOut = async (app) => {
  const { modules } = await bundleOf(app)
  const { bin, description, license, piecework, version } = JSON.parse(
    await readFile(join(app, "package.json"), "utf8")
  )
  const [name] = Object.keys(bin)
  const to = join(app, "dist", "package")
  await rm(to, { recursive: true, force: true })
  await mkdir(join(to, "bin"), { recursive: true })
  await mkdir(join(to, "launch"))
  const write = (path, text) => writeFile(join(to, path), text)
  const manifest = {
    name,
    version,
    description,
    license,
    type: "module",
    bin: { [name]: `./bin/${name}.mjs` },
    engines: { node: `>=${needed.join(".")}` }
  }
  await write("package.json", `${JSON.stringify(manifest, null, 2)}\n`)
  // Looks for the bundle where the app's own does.
  await write(
    `bin/${name}.mjs`,
    `#!/usr/bin/env node\nimport { launch } from "../launch/launch.mjs"\n\nlaunch("${name}", import.meta.url)\n`
  )
  await cp(dirname(entryOf(app)), join(to, "dist", "bundle"), { recursive: true })
  if (piecework?.page !== undefined) {
    const page = resolve(app, piecework.page)
    for (const file of await filesOf(page)) {
      const place = join(to, "dist", "bundle", "site", file)
      await mkdir(dirname(place), { recursive: true })
      await copyFile(join(dirname(page), file), place)
    }
  }
  for (const file of ["launch.mjs", "compiled.mjs"]) await copyFile(here(file), join(to, "launch", file))
  await copyFile(join(app, "README.md"), join(to, "README.md"))
  await copyFile(here("../../LICENSE"), join(to, "LICENSE"))
  const ofPage = piecework?.page === undefined ? "" : await readFile(resolve(app, piecework.page, "..", "licences.md"))
  await write("LICENSES.txt", `${await licencesOf(modules)}${ofPage}`)
  return to
}

/** What the packages in a bundle ask to be said wherever they go. */
const licencesOf = async (modules) => {
  const folders = new Set(modules.flatMap((id) => /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1] ?? []))
  const parts = []
  for (const folder of [...folders].toSorted()) {
    const { license, name, version } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"))
    const file = (await readdir(folder)).find((one) => /^licen[cs]e(\.(md|txt))?$/i.test(one))
    const text = file === undefined ? `${license}\n` : await readFile(join(folder, file), "utf8")
    parts.push(`${name} ${version}\n\n${text.trim()}\n`)
  }
  return parts.join(`\n${"-".repeat(80)}\n\n`)
}

if (import.meta.main) {
  const to = resolve(process.argv[3] ?? "dist")
  await mkdir(to, { recursive: true })
  const folder = await layOut(resolve(process.argv[2] ?? "."))
  process.stdout.write(execFileSync("npm", ["pack", "--silent", "--pack-destination", to, folder]))
}
