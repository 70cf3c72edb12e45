import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { assert, describe, it } from "vitest"
import { lateSegmenter } from "../bundle.mjs"

describe("A bundle", () => {
  it("makes the segmenter of Effect's command line when somebody measures, and not when it starts", () => {
    const id = createRequire(import.meta.url).resolve("effect/cli/CliOutput")
    const { code } = lateSegmenter.transform.handler(readFileSync(id, "utf8"), id)
    assert.match(code, /segment: \(text\) => \(madeSegmenter \?\?= new Intl\.Segmenter\(/)
    assert.notMatch(code, /graphemeSegmenter = (\/\*#__PURE__\*\/ ?)?new /)
  })

  it("is not made while nobody knows where that is", () => {
    assert.throws(() => lateSegmenter.transform.handler("const other = 1", "CliOutput.js"), /otherwise now/)
  })
})
