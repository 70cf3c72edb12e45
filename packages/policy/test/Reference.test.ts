import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as PolicyFile from "../src/PolicyFile.ts"
import * as Reference from "../src/Reference.ts"

const docs = (name: string) => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), "utf8")

describe("What the documents say of the settings", () => {
  it("is what the settings are (npm run settings)", () => {
    assert.strictEqual(docs("settings.md"), Reference.markdown())
    assert.deepStrictEqual(JSON.parse(docs("policy.schema.json")), PolicyFile.jsonSchema())
  })
})
