import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { filesOf } from "../site.mjs"

describe("The files of a page", () => {
  it("are those that it names, and those that these name, and none of another page", async () => {
    const folder = await mkdtemp(join(tmpdir(), "piecework-site-"))
    const files = {
      "index.html": '<script src="./assets/console-11111111.js"></script>',
      "activity.html": '<script src="./assets/activity-22222222.js"></script>',
      "assets/console-11111111.js": 'import("./page-33333333.js")',
      "assets/page-33333333.js": 'import "./console-11111111.js"; __css("./page-44444444.css")',
      "assets/page-44444444.css": "url(./icon-55555555.svg)",
      "assets/icon-55555555.svg": "<svg/>",
      "assets/activity-22222222.js": ""
    }
    await mkdir(join(folder, "assets"))
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
    const found = await filesOf(join(folder, "index.html"))
    assert.deepStrictEqual(found.toSorted(), [
      "assets/console-11111111.js",
      "assets/icon-55555555.svg",
      "assets/page-33333333.js",
      "assets/page-44444444.css",
      "index.html"
    ])
    await rm(folder, { recursive: true })
  })
})
