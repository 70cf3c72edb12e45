import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterEach, assert, beforeEach, describe, it } from "vitest"

const module = fileURLToPath(new URL("../run.mjs", import.meta.url))

let root = ""
let kept = ""
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "piecework-run-"))
  kept = join(root, "kept")
  mkdirSync(kept)
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const script = (name: string, code: string) => writeFileSync(join(root, name), code)

/** Runs app.cjs in a process of its own; what it prints. */
const start = (folder: string | undefined = kept) =>
  execFileSync(
    process.execPath,
    [
      "--input-type=module",
      "--eval",
      `import { run } from ${JSON.stringify(module)}; run(${JSON.stringify(root)}, "app.cjs", ${folder === undefined ? "undefined" : JSON.stringify(folder)})`
    ],
    { encoding: "utf8" }
  ).trim()

const files = () => readdirSync(kept).map((name) => join(kept, name))
const inodes = () => files().map((file) => statSync(file).ino)

/** Code that V8 compiles when it is called, enough of it to be a tenth of all that a process has. */
const heavy = `const heavy = () => { ${Array.from({ length: 4000 }, (_, i) => `let v${i} = ${i} + Math.random();`).join("")} return 1 };`

describe("run", () => {
  it("runs a script and what it requires, each once, built-in modules too", () => {
    script("part.cjs", `console.log("part"); exports.two = 2`)
    script(
      "app.cjs",
      `#!/usr/bin/env node\nconst a = require("./part.cjs"), b = require("./part.cjs"); console.log(a === b, a.two, require("node:path").sep.length)`
    )
    assert.strictEqual(start(), "part\ntrue 2 1")
  })

  it("runs scripts as strict code, and tells them where they are", () => {
    script(
      "app.cjs",
      `console.log((function () { return this })() === undefined, __filename === "${join(root, "app.cjs")}")`
    )
    assert.strictEqual(start(), "true true")
  })

  it("keeps what was compiled, and leaves it as it is when a start compiled no more", () => {
    script("app.cjs", `console.log("here")`)
    start()
    const before = inodes()
    assert.strictEqual(before.length, 1)
    assert.strictEqual(start(), "here")
    assert.deepStrictEqual(inodes(), before)
  })

  it("keeps more when a start compiled more", () => {
    script("app.cjs", `${heavy} console.log(process.env.HEAVY === "1" ? heavy() : 0)`)
    start()
    const [before] = files().map((file) => statSync(file).size)
    process.env["HEAVY"] = "1"
    try {
      assert.strictEqual(start(), "1")
    } finally {
      delete process.env["HEAVY"]
    }
    const [after] = files().map((file) => statSync(file).size)
    assert.isAbove(after ?? 0, (before ?? 0) + 10_000)
  })

  it("believes nothing that was damaged, and makes it anew", () => {
    script("app.cjs", `console.log("right")`)
    start()
    const [file = ""] = files()
    const whole = readFileSync(file)
    for (const at of [0, 5, 9, 16, 40, whole.length - 1]) {
      const damaged = Buffer.from(whole)
      damaged.writeUInt8(damaged.readUInt8(at) ^ 0xff, at)
      writeFileSync(file, damaged)
      assert.strictEqual(start(), "right")
      assert.isFalse(readFileSync(file).equals(damaged), `byte ${at}`)
    }
    for (const length of [0, 3, 16, whole.length - 1]) {
      writeFileSync(file, whole.subarray(0, length))
      assert.strictEqual(start(), "right")
      assert.isAbove(statSync(file).size, 16)
    }
  })

  it("runs a script that changed, also one of the same length, and not what was kept of it", () => {
    script("app.cjs", `console.log("one")`)
    start()
    script("app.cjs", `console.log("two")`)
    assert.strictEqual(start(), "two")
    assert.strictEqual(start(), "two")
  })

  it("runs where nothing can be kept", () => {
    script("app.cjs", `console.log("here")`)
    assert.strictEqual(start(join(root, "nowhere")), "here")
    assert.deepStrictEqual(files(), [])
  })
})
