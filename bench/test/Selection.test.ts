import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as Selection from "../src/Selection.ts"

const parse = Selection.parse(["http", "peer"], ["curl", "aria2c"])
const read = (text: string) =>
  Option.map(parse(text), ({ parts, wants }) => [...parts, ...["curl", "aria2c"].filter(wants)].join(" "))

describe("Selection", () => {
  it("takes a part with all of its tools, a tool in all parts, or both", () => {
    assert.deepStrictEqual(read("peer"), Option.some("peer curl aria2c"))
    assert.deepStrictEqual(read("aria2c"), Option.some("http peer aria2c"))
    assert.deepStrictEqual(read(" peer, aria2c"), Option.some("peer aria2c"))
  })

  it("refuses a word that is neither, and no word at all", () => {
    for (const text of ["", "peer,", "peer,ghost", "Peer"]) assert.deepStrictEqual(read(text), Option.none(), text)
  })
})
