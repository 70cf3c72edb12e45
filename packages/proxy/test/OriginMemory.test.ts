import { ContentUrl } from "@piecework/domain/ContentUrl"
import { assert, describe, it } from "@effect/vitest"
import { OriginMemory } from "../src/OriginMemory.ts"

const url = (host: string, n = 0) => ContentUrl.make(`http://${host}/${n}`)

describe("What is remembered of origins", () => {
  it("is that one has no contents, once eight of its files in a row were unknown", () => {
    const memory = new OriginMemory()
    for (let n = 0; n < 7; n++) memory.note(url("host", n), false)
    assert.isTrue(memory.isPromising(url("host")))
    memory.note(url("host", 7), false)
    assert.isFalse(memory.isPromising(url("host")))
    assert.isTrue(memory.isPromising(url("other")))
    memory.note(url("host", 8), true)
    assert.isTrue(memory.isPromising(url("host")))
  })
  it("is of the last 256 of them", () => {
    const memory = new OriginMemory()
    for (let n = 0; n < 8; n++) memory.note(url("first"), false)
    for (let n = 0; n < 255; n++) memory.note(url(`host${n}`), false)
    assert.isFalse(memory.isPromising(url("first")))
    memory.note(url("one-more"), false)
    assert.isTrue(memory.isPromising(url("first")))
  })
})
