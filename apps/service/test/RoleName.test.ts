import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import { missing, roleNames, rolesIn, roleUrlIn, urlsOf } from "../src/role/RoleName.ts"

const kv = { role: "kv", url: "https://kv.example" } as const
const arrays = [
  { role: "array", url: "https://a.example" },
  { role: "array", url: "https://b.example" }
] as const

describe("A set of roles", () => {
  it("lacks nothing when it is all of them, or tells of nobody", () => {
    assert.deepStrictEqual(missing(roleNames, []), [])
    assert.deepStrictEqual(missing(["array", "metadata"], []), [])
  })

  it("lacks those that it tells of and neither has nor was told the place of", () => {
    assert.deepStrictEqual(missing(["geo"], []), ["kv"])
    assert.deepStrictEqual(missing(["geo", "kv"], []), ["content-policy", "discovery"])
    assert.deepStrictEqual(missing(["content-policy", "discovery"], []), ["metadata", "array"])
    assert.deepStrictEqual(missing(["geo"], [kv]), [])
    assert.deepStrictEqual(missing(["discovery"], arrays), [])
  })
})

describe("Places that an operator told", () => {
  it("are kept by role, in the order told", () => {
    assert.deepStrictEqual(urlsOf([kv, ...arrays]), {
      KeyValue: ["https://kv.example"],
      Array: ["https://a.example", "https://b.example"]
    })
  })
})

describe("What an operator writes", () => {
  it("may be roles in any order, each counted once", () => {
    assert.deepStrictEqual(Option.getOrThrow(rolesIn("array, geo,array")), ["geo", "array"])
    for (const text of ["", "geo,", "geo,tracker", "toString", "Geo"]) assert.isTrue(Option.isNone(rolesIn(text)), text)
  })

  it("may be a role and its URL, whatever slashes that ends with", () => {
    assert.deepStrictEqual(Option.getOrThrow(roleUrlIn("kv=https://a.example/b=c//")), {
      role: "kv",
      url: "https://a.example/b=c"
    })
    for (const text of ["kv", "kv=", "kv=ftp://a", "kv=http://a/?b", "tracker=http://a", "=http://a"]) {
      assert.isTrue(Option.isNone(roleUrlIn(text)), text)
    }
  })
})
