/** Pictures of pages for a person to look at, and the figures that were measured beside them: in `screenshots/`, which git ignores. */
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { Page } from "playwright-core"
import { type Scheme, type Size, sizes } from "./Browser.ts"

const folder = fileURLToPath(new URL("../../../screenshots", import.meta.url))

const looks: ReadonlyArray<readonly [Size, Scheme]> = [
  ["desktop", "light"],
  ["desktop", "dark"],
  ["phone", "dark"],
  ["phone", "light"]
]

/**
 * The page as it is, in both sizes and colours; `look` is called for each of them, before its picture is taken. The page is left as it
 * was found: wide and light.
 */
export const take = async (
  page: Page,
  name: string,
  look: (which: { readonly size: Size; readonly scheme: Scheme }) => Promise<void> = async () => undefined
): Promise<void> => {
  await mkdir(folder, { recursive: true })
  for (const [size, scheme] of looks) {
    await page.setViewportSize(sizes[size])
    await page.emulateMedia({ colorScheme: scheme })
    await look({ size, scheme })
    // A picture of the whole page has the header where the page is scrolled to.
    await page.evaluate(() => scrollTo(0, 0))
    await page.screenshot({
      path: join(folder, `${name}-${size}-${scheme}.png`),
      animations: "disabled",
      fullPage: true
    })
  }
  await page.setViewportSize(sizes.desktop)
  await page.emulateMedia({ colorScheme: "light" })
}

/** Adds a figure to `screenshots/figures.json`. */
export const note = async (name: string, value: number): Promise<void> => {
  await mkdir(folder, { recursive: true })
  const file = join(folder, "figures.json")
  const text = await readFile(file, "utf8").catch(() => "{}")
  const figures = { ...(JSON.parse(text) as Readonly<Record<string, number>>), [name]: value }
  await writeFile(file, `${JSON.stringify(figures, null, 2)}\n`)
}
