/**
 * Which files of a built site a page of it needs: itself, and what is named in it and in what is named there. Files other than pages are in `assets`,
 * under names that nothing else has, so that a name in a text is a file that is wanted.
 */
import { readdir, readFile } from "node:fs/promises"
import { basename, dirname, join } from "node:path"

/** By their names in the folder of the page; licences of what was built in belong to it. */
export const filesOf = async (page) => {
  const folder = dirname(page)
  const assets = await readdir(join(folder, "assets")).catch(() => {
    throw new Error(`There is no page at ${page}; npm run site makes it.`)
  })
  const found = new Set([basename(page)])
  // What is found while going on is gone through as well.
  for (const file of found) {
    if (!/\.(html|js|css)$/.test(file)) continue
    const text = await readFile(join(folder, file), "utf8")
    for (const asset of assets) if (text.includes(asset)) found.add(`assets/${asset}`)
  }
  return [...found]
}
