import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Digest } from "@piecework/domain"
import { PieceHasher } from "@piecework/hashing"
import { Effect, Fiber, type Layer, Option, type Scope } from "effect"
import { bytesOf, fileOf, folder, hashers, open } from "./support.ts"

const MiB = 1_048_576
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")
const hexOf = Option.map(Digest.toHex)

/** A digest from its hex. */
const digestOf = (hex: string): Digest.Digest => Digest.Digest.make(new Uint8Array(Buffer.from(hex, "hex")))

/** A test of one hasher, on the real clock and files. */
const liveWith =
  (layer: Layer.Layer<PieceHasher.PieceHasher>) =>
  <A, E>(name: string, test: (hasher: PieceHasher.PieceHasher["Service"]) => Effect.Effect<A, E, Scope.Scope>) =>
    it.live(name, () => Effect.provide(Effect.flatMap(PieceHasher.PieceHasher, test), layer))

for (const [where, layer] of hashers) {
  describe(`PieceHasher ${where}`, () => {
    const live = liveWith(layer)

    live("knows the digest of abc", ({ digest }) =>
      Effect.gen(function* () {
        // Source: FIPS 180-2, appendix B.1.
        const expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        const shared = new Uint8Array(new SharedArrayBuffer(3))
        shared.set(Buffer.from("abc"))
        assert.strictEqual(Digest.toHex(yield* digest(shared)), expected)
        assert.strictEqual(Digest.toHex(yield* digest(Buffer.from("abc"))), expected)
      })
    )

    live("hashes inputs of every size, and just the part of the memory that it was given", ({ digest }) =>
      Effect.gen(function* () {
        const bytes = bytesOf(2 * MiB + 1)
        for (const length of [0, 1, 63, 64, 65, 262_143, 262_144, MiB, 2 * MiB]) {
          const part = bytes.subarray(1, 1 + length)
          const found = yield* digest(part)
          assert.strictEqual(Digest.toHex(found), sha256(part))
          assert.strictEqual(found.buffer.byteLength, 32)
        }
      })
    )

    live("tells apart the answers to many who ask at once", ({ digest }) =>
      Effect.gen(function* () {
        const pieces = Array.from({ length: 40 }, (_, n) => bytesOf(1000 + (n % 5) * 100_000, n))
        const found = yield* Effect.forEach(pieces, digest, { concurrency: "unbounded" })
        assert.deepStrictEqual(found.map(Digest.toHex), pieces.map(sha256))
      })
    )

    live("writes every byte at its place and answers the digest", ({ write }) =>
      Effect.gen(function* () {
        const path = yield* fileOf(new Uint8Array(10))
        const fd = yield* open(path, "r+")
        const large = bytesOf(MiB)
        const small = bytesOf(5, 2)
        yield* write({ bytes: small, fd, position: MiB + 3 })
        const digest = yield* write({ bytes: large, fd, position: 3 })
        assert.strictEqual(Digest.toHex(digest), sha256(large))
        assert.deepStrictEqual(fs.readFileSync(path), Buffer.concat([new Uint8Array(3), large, small]))
      })
    )

    for (const size of [5, MiB]) {
      live(`records the digest of ${size} bytes where it is told to, expected or not`, ({ write }) =>
        Effect.gen(function* () {
          const fd = yield* open(yield* fileOf(new Uint8Array(0)), "r+")
          const path = yield* fileOf(new Uint8Array(3))
          const record = yield* open(path, "r+")
          const bytes = bytesOf(size)
          const digest = yield* write({ bytes, fd, position: 0, record: { fd: record, position: 3 } })
          yield* write({ bytes, expected: digest, fd, position: 0, record: { fd: record, position: 35 } })
          assert.deepStrictEqual(fs.readFileSync(path), Buffer.concat([new Uint8Array(3), digest, digest]))
        })
      )

      live(`records other bytes than the digest of ${size} bytes where it is given some`, ({ write }) =>
        Effect.gen(function* () {
          const bytes = bytesOf(size)
          const path = yield* fileOf(new Uint8Array(4))
          const fd = yield* open(yield* fileOf(new Uint8Array(0)), "r+")
          const record = yield* open(path, "r+")
          yield* write({ bytes, fd, position: 0, record: { fd: record, position: 2, bytes: Uint8Array.of(7) } })
          assert.deepStrictEqual([...fs.readFileSync(path)], [0, 0, 7, 0])
        })
      )

      live(`records nothing of ${size} bytes that could not be written`, ({ write }) =>
        Effect.gen(function* () {
          const fd = yield* open(yield* fileOf(new Uint8Array(1)), "r")
          const path = yield* fileOf(new Uint8Array(0))
          const record = yield* open(path, "r+")
          yield* Effect.flip(write({ bytes: bytesOf(size), fd, position: 0, record: { fd: record, position: 0 } }))
          assert.strictEqual(fs.readFileSync(path).length, 0)
        })
      )

      live(`fails when the digest of ${size} bytes cannot be recorded`, ({ write }) =>
        Effect.gen(function* () {
          const fd = yield* open(yield* fileOf(new Uint8Array(0)), "r+")
          const record = yield* open(yield* fileOf(new Uint8Array(0)), "r")
          const error = yield* Effect.flip(
            write({ bytes: bytesOf(size), fd, position: 0, record: { fd: record, position: 0 } })
          )
          assert.ok(error._tag === "WriteFailed")
          assert.strictEqual(error.code, "EBADF")
        })
      )
    }

    live("writes bytes with the expected digest, wherever they lie in memory", ({ write }) =>
      Effect.gen(function* () {
        const path = yield* fileOf(new Uint8Array(0))
        const fd = yield* open(path, "r+")
        const bytes = new Uint8Array(bytesOf(300_000))
        const expected = digestOf(sha256(bytes))
        assert.deepStrictEqual(yield* write({ bytes, expected, fd, position: 0 }), expected)
        assert.deepStrictEqual(fs.readFileSync(path), Buffer.from(bytes))
      })
    )

    live("writes nothing when the digest is not the expected one, and says both", ({ write }) =>
      Effect.gen(function* () {
        const path = yield* fileOf(Buffer.from("before"))
        const fd = yield* open(path, "r+")
        const bytes = bytesOf(MiB)
        const expected = digestOf("00".repeat(32))
        const error = yield* Effect.flip(write({ bytes, expected, fd, position: 0 }))
        assert.ok(error._tag === "PieceMismatch")
        assert.deepStrictEqual(error.expected, expected)
        assert.strictEqual(Digest.toHex(error.actual), sha256(bytes))
        assert.include(error.message, "should have the hash 0000")
        assert.strictEqual(fs.readFileSync(path, "utf8"), "before")
      })
    )

    for (const size of [1000, MiB]) {
      live(`says what the system said when ${size} bytes cannot be written`, ({ write }) =>
        Effect.gen(function* () {
          const fd = yield* open(yield* fileOf(new Uint8Array(1)), "r")
          const error = yield* Effect.flip(write({ bytes: bytesOf(size), fd, position: 0 }))
          assert.ok(error._tag === "WriteFailed")
          assert.strictEqual(error.code, "EBADF")
        })
      )
    }

    // A device that is always full; only Linux has it.
    if (fs.existsSync("/dev/full")) {
      live("tells a person to free some space when the disk is full", ({ write }) =>
        Effect.gen(function* () {
          const fd = yield* open("/dev/full", "w")
          const error = yield* Effect.flip(write({ bytes: bytesOf(MiB), fd, position: 0 }))
          assert.ok(error._tag === "WriteFailed")
          assert.strictEqual(error.code, "ENOSPC")
          assert.include(error.message, "Free some space")
        })
      )
    }

    live("hashes all pieces of a part of a file, the last one shorter, and nothing past its end", ({ digestsAt }) =>
      Effect.gen(function* () {
        const bytes = bytesOf(2 * MiB + 77)
        const fd = yield* open(yield* fileOf(bytes), "r")
        for (const [position, length, pieceSize] of [
          [0, 2 * MiB + 77, MiB],
          [5, 600_000, 200_000],
          [5, 600_001, 200_000],
          [0, MiB, 3 * MiB],
          [0, 1000, 1]
        ] as const) {
          const pieces: Array<string> = []
          for (let at = 0; at < length; at += pieceSize) {
            pieces.push(sha256(bytes.subarray(position + at, position + Math.min(length, at + pieceSize))))
          }
          const found = yield* digestsAt({ fd, position, length, pieceSize })
          assert.deepStrictEqual(
            Option.map(found, (all) => Buffer.from(all).toString("hex")),
            Option.some(pieces.join(""))
          )
        }
        assert.deepStrictEqual(yield* digestsAt({ fd, position: MiB, length: 2 * MiB, pieceSize: MiB }), Option.none())
      })
    )

    live("hashes any part of a file, and nothing that goes past its end", ({ digestAt }) =>
      Effect.gen(function* () {
        const bytes = bytesOf(2 * MiB + 77)
        const fd = yield* open(yield* fileOf(bytes), "r")
        const part = (position: number, length: number) => Effect.map(digestAt({ fd, position, length }), hexOf)
        const whole = [
          [0, 2 * MiB + 77],
          [MiB, MiB + 77],
          [5, 300_001],
          [2 * MiB + 76, 1],
          [2 * MiB + 77, 0]
        ] as const
        for (const [position, length] of whole) {
          const expected = sha256(bytes.subarray(position, position + length))
          assert.deepStrictEqual(yield* part(position, length), Option.some(expected))
        }
        for (const [position, length] of [
          [MiB, MiB + 78],
          [2 * MiB + 77, 1],
          [9 * MiB, 1000]
        ] as const) {
          assert.deepStrictEqual(yield* part(position, length), Option.none())
        }
      })
    )

    live("reads and hashes in one trip", ({ readAt }) =>
      Effect.gen(function* () {
        const bytes = bytesOf(MiB + 1000)
        const fd = yield* open(yield* fileOf(bytes), "r")
        for (const target of [new Uint8Array(new SharedArrayBuffer(MiB)), new Uint8Array(MiB), new Uint8Array(10)]) {
          const found = yield* readAt({ fd, position: 1000, target })
          const expected = bytes.subarray(1000, 1000 + target.length)
          assert.isTrue(Buffer.from(target).equals(expected))
          assert.deepStrictEqual(hexOf(found), Option.some(sha256(expected)))
        }
        const tooFar = new Uint8Array(new SharedArrayBuffer(MiB))
        assert.deepStrictEqual(yield* readAt({ fd, position: 1001, target: tooFar }), Option.none())
      })
    )

    for (const length of [1000, MiB]) {
      live(`says what the system said when ${length} bytes cannot be read`, ({ digestAt }) =>
        Effect.gen(function* () {
          const fd = yield* open(yield* folder, "r")
          const error = yield* Effect.flip(digestAt({ fd, position: 0, length }))
          assert.deepStrictEqual([error.operation, error.reason, error.code], ["digestAt", "ReadFailed", "EISDIR"])
        })
      )
    }

    live("copies any part of a file to the same place of another, and nothing else", ({ copy }) =>
      Effect.gen(function* () {
        const bytes = bytesOf(2 * MiB + 77)
        const from = yield* open(yield* fileOf(bytes), "r")
        for (const [position, length] of [
          [0, 2 * MiB + 77],
          [5, 300_001],
          [2 * MiB + 76, 1],
          [7, 0]
        ] as const) {
          const blank = new Uint8Array(2 * MiB + 100).fill(0xee)
          const path = yield* fileOf(blank)
          const to = yield* open(path, "r+")
          assert.isTrue(yield* copy({ from, to, position, length }))
          blank.set(bytes.subarray(position, position + length), position)
          assert.isTrue(fs.readFileSync(path).equals(blank))
        }
      })
    )

    live("makes one file of many parts that are copied at once", ({ copy }) =>
      Effect.gen(function* () {
        const bytes = bytesOf(6 * MiB + 5)
        const path = yield* fileOf(new Uint8Array(0))
        const [from, to] = [yield* open(yield* fileOf(bytes), "r"), yield* open(path, "r+")]
        const copied = yield* Effect.forEach(
          [6, 5, 4, 3, 2, 1, 0],
          (n) => copy({ from, to, position: n * MiB, length: n === 6 ? 5 : MiB }),
          { concurrency: "unbounded" }
        )
        assert.isTrue(copied.every(Boolean))
        assert.isTrue(fs.readFileSync(path).equals(bytes))
      })
    )

    live("says when a file ends before what is to be copied", ({ copy }) =>
      Effect.gen(function* () {
        const from = yield* open(yield* fileOf(bytesOf(MiB)), "r")
        const to = yield* open(yield* fileOf(new Uint8Array(0)), "r+")
        assert.isFalse(yield* copy({ from, to, position: 0, length: MiB + 1 }))
        assert.isFalse(yield* copy({ from, to, position: 9 * MiB, length: 1 }))
      })
    )

    for (const length of [1000, MiB]) {
      live(`says which of the two files refused a copy of ${length} bytes`, ({ copy }) =>
        Effect.gen(function* () {
          const file = yield* open(yield* fileOf(bytesOf(MiB)), "r")
          const unwritten = yield* Effect.flip(copy({ from: file, to: file, position: 0, length }))
          assert.ok(unwritten._tag === "WriteFailed")
          assert.strictEqual(unwritten.code, "EBADF")
          const unread = yield* Effect.flip(
            copy({ from: yield* open(yield* folder, "r"), to: file, position: 0, length })
          )
          assert.ok(unread._tag === "HasherError")
          assert.deepStrictEqual([unread.operation, unread.reason, unread.code], ["copy", "ReadFailed", "EISDIR"])
          assert.include(unread.message, "for a copy")
        })
      )
    }

    live("has written all or nothing once an interrupted write has ended", ({ digest, write }) =>
      Effect.gen(function* () {
        const path = yield* fileOf(new Uint8Array(0))
        const fd = yield* open(path, "r+")
        const pieces = Array.from({ length: 12 }, (_, n) => bytesOf(MiB, n))
        const fiber = yield* Effect.forkChild(
          Effect.forEach(pieces, (bytes, n) => write({ bytes, fd, position: n * MiB }), { concurrency: "unbounded" }),
          { startImmediately: true }
        )
        yield* Effect.yieldNow
        yield* Fiber.interrupt(fiber)
        // The memory is the caller's again: what is in it from now on must not reach the file. By the time that as much
        // work again is done, anything still on its way would have.
        for (const bytes of pieces) bytes.fill(0xee)
        yield* Effect.forEach(pieces, digest, { concurrency: "unbounded" })
        const written = fs.readFileSync(path)
        for (const n of pieces.keys()) {
          const found = written.subarray(n * MiB, (n + 1) * MiB)
          if (found.some((byte) => byte !== 0)) assert.isTrue(found.equals(bytesOf(MiB, n)))
        }
      })
    )
  })
}
