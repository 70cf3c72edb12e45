import { assert, describe, it } from "@effect/vitest"
import { devicePath, kindOf, pathOf } from "../src/pages/savings/Kind.ts"
import { fileName, short } from "../src/view/FileName.ts"

describe("The name of a content", () => {
  it("is the last part of its URL, else its host, else the beginning of its id", () => {
    const id = "DO-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQR"
    assert.deepStrictEqual(
      [
        fileName("https://files.example/os/image%20one.iso?x=1", id),
        fileName("https://files.example/", id),
        fileName("", id),
        fileName("no url", ""),
        fileName("https://files.example/a%zz", id)
      ],
      ["image one.iso", "files.example", "DO-abcdefghijk…", "not known", "a%zz"]
    )
    assert.strictEqual(short("short"), "short")
  })
})

describe("The address of a page", () => {
  it("holds names with any character", () => {
    const site = kindOf("site")
    assert.isDefined(site)
    assert.strictEqual(site && pathOf(site, "2001:db8::/64"), "/savings/site/2001%3Adb8%3A%3A%2F64")
    assert.strictEqual(devicePath("a b", false), "/savings/device/claimed/a%20b")
    assert.isUndefined(kindOf("nothing"))
  })
})
