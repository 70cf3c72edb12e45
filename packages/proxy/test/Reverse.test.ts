import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as Reverse from "../src/Reverse.ts"
import * as Target from "../src/Target.ts"

const target = Result.getOrThrow(Target.parse("/https://host/a/b?c"))

describe("A redirect in the reverse form", () => {
  it("leads back through the proxy, wherever it leads", () => {
    assert.strictEqual(Reverse.locationOf("/d", target, false), "/https://host/d")
    assert.strictEqual(Reverse.locationOf("d?e", target, false), "/https://host/a/d?e")
    assert.strictEqual(Reverse.locationOf("https://cdn/x", target, false), "/https://cdn/x")
    assert.strictEqual(Reverse.locationOf("//cdn/x", target, false), "/https://cdn/x")
  })
  it("leads a client that has shown credentials to another origin by that one's own name", () => {
    assert.strictEqual(Reverse.locationOf("https://cdn/x", target, true), "https://cdn/x")
    assert.strictEqual(Reverse.locationOf("/d", target, true), "/https://host/d")
  })
  it("does not hide that it leads from https to http", () => {
    assert.strictEqual(Reverse.locationOf("http://host/x", target, false), "http://host/x")
  })
  it("stays as it is where it is none", () => {
    assert.strictEqual(Reverse.locationOf("http://", target, false), "http://")
    assert.strictEqual(Reverse.locationOf("mailto:a@b", target, false), "mailto:a@b")
  })
})
