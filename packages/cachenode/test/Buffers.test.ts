import { assert, describe, it } from "@effect/vitest"
import { Buffers, largest, type Room, smallest } from "../src/Buffers.ts"

const mebibyte = 1_048_576

describe("Buffers", () => {
  it("gives one reader large buffers, and uses them again", () => {
    const buffers = new Buffers({ maxBytes: 16 * mebibyte, maxReaders: 10 })
    const share = buffers.join()
    const first = share.take(10 * mebibyte)
    assert.strictEqual(first?.buffer.length, largest)
    assert.strictEqual(share.take(100)?.buffer.length, smallest)
    first?.free()
    first?.free()
    assert.strictEqual(share.take(largest)?.buffer, first?.buffer)
    share.leave()
    assert.strictEqual(buffers.used, 0)
  })

  it("gives many readers smaller ones, each one at least, and never more than it may in all", () => {
    const maxBytes = 32 * mebibyte
    const readers = 1000
    const buffers = new Buffers({ maxBytes, maxReaders: readers })
    const early = buffers.join()
    const held = [early.take(largest), early.take(largest)]
    assert.strictEqual(held[1]?.buffer.length, largest)
    const shares = Array.from({ length: readers - 1 }, () => buffers.join())
    for (const share of shares) {
      const taken: Array<Room> = []
      for (let room = share.lease(largest); room !== undefined; room = share.lease(largest)) taken.push(room)
      assert.isAtLeast(taken.length, 1)
      assert.isAtMost(buffers.used, maxBytes)
    }
    assert.isAtLeast(buffers.used, (readers - 1) * smallest)
    for (const share of shares) share.leave()
    early.leave()
    assert.strictEqual(buffers.used, 0)
  })

  it("does not use memory again that the system may still look at", () => {
    const buffers = new Buffers({ maxBytes: 16 * mebibyte, maxReaders: 10 })
    const share = buffers.join()
    const held = share.take(largest)
    held?.free(true)
    assert.strictEqual(buffers.used, 0)
    assert.notStrictEqual(share.take(largest)?.buffer, held?.buffer)
  })
})
