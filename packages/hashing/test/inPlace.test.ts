import { hash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Files, make } from "../src/internal/inPlace.ts"
import { bytesOf } from "./support.ts"

/** A disk that moves no more than so many bytes at a time. */
const disk = (bytes: Uint8Array, most: number): Files => ({
  read: (_, into, offset, length, position, callback) => {
    const part = bytes.subarray(position, position + Math.min(length, most))
    into.set(part, offset)
    callback(null, part.length)
  },
  write: (_, from, offset, length, position, callback) => {
    const moved = Math.min(length, most)
    bytes.set(from.subarray(offset, offset + moved), position)
    callback(null, moved)
  }
})

describe("work on this thread", () => {
  it.effect("goes on where the system stopped writing", () =>
    Effect.gen(function* () {
      const written = Buffer.alloc(1100)
      const bytes = bytesOf(1000)
      const perform = make(disk(written, 300))
      const reply = yield* perform({ operation: "write", bytes, expected: undefined, fd: 3, position: 100 })
      assert.deepStrictEqual(reply, { kind: "Done", digest: hash("sha256", bytes, "hex") })
      assert.isTrue(written.subarray(100).equals(bytes))
    })
  )

  it.effect("gives up on a file that takes nothing", () =>
    Effect.gen(function* () {
      const perform = make(disk(new Uint8Array(0), 0))
      const reply = yield* perform({ operation: "write", bytes: bytesOf(9), expected: undefined, fd: 3, position: 0 })
      assert.ok(reply.kind === "Refused")
      assert.strictEqual(reply.code, "EIO")
    })
  )

  it.effect("goes on with a copy where the system stopped reading or writing", () =>
    Effect.gen(function* () {
      const bytes = bytesOf(5000)
      const written = Buffer.alloc(5000)
      const perform = make({ read: disk(bytes, 999).read, write: disk(written, 70).write })
      const copy = { operation: "copy", from: 3, to: 4, position: 10 } as const
      assert.deepStrictEqual(yield* perform({ ...copy, length: 4990 }), { kind: "Copied" })
      assert.isTrue(written.subarray(10).equals(bytes.subarray(10)))
      assert.deepStrictEqual(yield* perform({ ...copy, length: 4991 }), { kind: "Short" })
    })
  )

  it.effect("goes on where the system stopped reading, up to the end of the file", () =>
    Effect.gen(function* () {
      const bytes = bytesOf(5000)
      const perform = make(disk(bytes, 999))
      const digest = hash("sha256", bytes.subarray(10), "hex")
      const at = { operation: "digestAt", fd: 3, position: 10 } as const
      assert.deepStrictEqual(yield* perform({ ...at, length: 4990 }), { kind: "Done", digest })
      assert.deepStrictEqual(yield* perform({ ...at, length: 4991 }), { kind: "Short" })
    })
  )
})
