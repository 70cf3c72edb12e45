import { assert, describe, it } from "@effect/vitest"
import * as Bencode from "../src/Bencode.ts"

const text = (value: Bencode.Bencoded) => Buffer.from(Bencode.encode(value)).toString("latin1")

describe("Bencode", () => {
  it("writes the examples of BEP 3", () => {
    assert.strictEqual(text("spam"), "4:spam")
    assert.strictEqual(text(3), "i3e")
    assert.strictEqual(text(-3), "i-3e")
    assert.strictEqual(text(0), "i0e")
    assert.strictEqual(text(["spam", "eggs"]), "l4:spam4:eggse")
    assert.strictEqual(text({ cow: "moo", spam: "eggs" }), "d3:cow3:moo4:spam4:eggse")
    assert.strictEqual(text({ spam: ["a", "b"] }), "d4:spaml1:a1:bee")
  })

  it("sorts keys by their bytes, whatever their order", () => {
    assert.strictEqual(
      text({ b: 1, a: 2, B: 3, "piece length": 4, pieces: 5 }),
      "d1:Bi3e1:ai2e1:bi1e12:piece lengthi4e6:piecesi5ee"
    )
  })

  it("counts bytes, not characters, and keeps bytes as they are", () => {
    assert.strictEqual(Buffer.from(Bencode.encode("é")).toString("hex"), Buffer.from("2:é").toString("hex"))
    assert.deepStrictEqual([...Bencode.encode(Uint8Array.of(0, 255))], [0x32, 0x3a, 0, 255])
  })

  it("writes large sizes in full", () => {
    assert.strictEqual(text(1_099_511_627_776), "i1099511627776e")
  })
})
