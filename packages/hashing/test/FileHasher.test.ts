import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Digest } from "@piecework/domain"
import { FileHasher, Phf, PieceHasher } from "@piecework/hashing"
import { Deferred, Effect, Fiber, Layer, Option } from "effect"
import { bytesOf, fileOf, folder, hashers } from "./support.ts"

const MiB = 1_048_576

/** The file for these bytes, made the slow and plain way. */
const plain = (bytes: Uint8Array, pieceSize: number): Phf.Phf => {
  const digests: Array<Uint8Array> = []
  for (let at = 0; at < bytes.length; at += pieceSize) {
    digests.push(
      createHash("sha256")
        .update(bytes.subarray(at, at + pieceSize))
        .digest()
    )
  }
  return Phf.make({ contentSize: bytes.length, pieceSize, digests: new Uint8Array(Buffer.concat(digests)) })
}

/** Why there is no pieces hash file for the path. */
const refusal = (path: string) =>
  Effect.provide(Effect.flip(FileHasher.phfOf(path)), PieceHasher.PieceHasher.layerMemory)

/** Why it fails while `disturb` happens after the first piece. */
const disturbed = (path: string, disturb: () => void) =>
  Effect.suspend(() => {
    let done = false
    const onProgress = () => {
      if (!done) disturb()
      done = true
    }
    return Effect.flip(FileHasher.phfOf(path, { onProgress }))
  })

for (const [where, layer] of hashers) {
  describe(`FileHasher ${where}`, () => {
    for (const size of [0, 1, MiB, MiB + 1, 5 * MiB - 7]) {
      it.live(`makes the pieces hash file of ${size} bytes`, () =>
        Effect.gen(function* () {
          const bytes = bytesOf(size)
          const path = yield* fileOf(bytes)
          assert.deepStrictEqual(yield* FileHasher.phfOf(path), plain(bytes, MiB))
        }).pipe(Effect.provide(layer))
      )
    }

    it.live("hashes several pieces of a large file in a trip, each for itself", () =>
      Effect.gen(function* () {
        const bytes = bytesOf(100 * 5000 + 1)
        const path = yield* fileOf(bytes)
        let told = 0
        const phf = yield* FileHasher.phfOf(path, { pieceSize: 5000, onProgress: () => void told++ })
        assert.deepStrictEqual(phf, plain(bytes, 5000))
        // 101 pieces, six in a trip: at least two trips for each of the eight that are on their way.
        assert.strictEqual(told, 17)
      }).pipe(Effect.provide(layer))
    )

    it.live("cuts pieces of another size when asked to, and tells how far it is", () =>
      Effect.gen(function* () {
        const bytes = bytesOf(300_000)
        const path = yield* fileOf(bytes)
        const progress: Array<number> = []
        const phf = yield* FileHasher.phfOf(path, {
          pieceSize: 65_536,
          onProgress: (hashed, total) => void progress.push(hashed / total)
        })
        assert.deepStrictEqual(phf, plain(bytes, 65_536))
        assert.strictEqual(progress.length, 5)
        assert.strictEqual(progress.at(-1), 1)
        assert.deepStrictEqual(
          progress,
          progress.toSorted((a, b) => a - b)
        )
      }).pipe(Effect.provide(layer))
    )

    it.live("notices that the file is written to, cut off or replaced while it is read", () =>
      Effect.gen(function* () {
        // More pieces than are on their way when the first is done.
        const bytes = new Uint8Array(12 * MiB)
        const written = yield* fileOf(bytes)
        const cut = yield* fileOf(bytes)
        const replaced = yield* fileOf(bytes)
        const other = yield* fileOf(bytes)
        const gone = yield* fileOf(bytes)
        const errors = [
          yield* disturbed(written, () => fs.appendFileSync(written, "x")),
          yield* disturbed(cut, () => fs.truncateSync(cut, 1)),
          yield* disturbed(replaced, () => fs.renameSync(other, replaced)),
          yield* disturbed(gone, () => fs.unlinkSync(gone))
        ]
        assert.deepStrictEqual(
          errors.map(({ reason }) => reason),
          ["Changed", "Changed", "Changed", "NotFound"]
        )
      }).pipe(Effect.provide(layer))
    )
  })
}

describe("FileHasher", () => {
  it.live("says that there is no such file", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "nothing")
      const error = yield* refusal(path)
      assert.deepStrictEqual([error.reason, error.path], ["NotFound", path])
      assert.include(error.message, path)
      const file = yield* fileOf(new Uint8Array(1))
      assert.strictEqual((yield* refusal(join(file, "below"))).reason, "NotFound")
    })
  )

  it.live("hashes files only, no folders or devices", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* refusal(yield* folder)).reason, "NotAFile")
      if (fs.existsSync("/dev/zero")) assert.strictEqual((yield* refusal("/dev/zero")).reason, "NotAFile")
    })
  )

  // Whoever may do everything is denied nothing.
  it.live.skipIf(process.getuid?.() === 0)("says that the file may not be read", () =>
    Effect.gen(function* () {
      const path = yield* fileOf(new Uint8Array(1))
      fs.chmodSync(path, 0)
      assert.strictEqual((yield* refusal(path)).reason, "Denied")
    })
  )

  it.live("refuses a file with too many pieces before it reads any", () =>
    Effect.gen(function* () {
      const path = yield* fileOf(new Uint8Array(0))
      fs.truncateSync(path, 2 ** 31)
      const error = yield* Effect.flip(FileHasher.phfOf(path, { pieceSize: 1024 }))
      assert.strictEqual(error.reason, "TooLarge")
    }).pipe(Effect.provide(Layer.mock(PieceHasher.PieceHasher, {})))
  )

  it.live("closes the file when it is interrupted", () =>
    Effect.gen(function* () {
      const used = yield* Deferred.make<number>()
      const hangs = Layer.mock(PieceHasher.PieceHasher, {
        digestsAt: ({ fd }) => Effect.andThen(Deferred.succeed(used, fd), Effect.never)
      })
      const path = yield* fileOf(bytesOf(3 * MiB))
      const fiber = yield* Effect.forkChild(Effect.provide(FileHasher.phfOf(path), hangs))
      const fd = yield* Deferred.await(used)
      assert.strictEqual(fs.fstatSync(fd).size, 3 * MiB)
      yield* Fiber.interrupt(fiber)
      assert.throws(() => fs.fstatSync(fd), "EBADF")
    })
  )

  it.live("hands on what the hasher says when the disk fails", () =>
    Effect.gen(function* () {
      const broken = new PieceHasher.HasherError({
        operation: "digestAt",
        reason: "ReadFailed",
        code: "EIO",
        cause: "disk"
      })
      const error = yield* Effect.flip(FileHasher.phfOf(yield* fileOf(bytesOf(10)))).pipe(
        Effect.provide(Layer.mock(PieceHasher.PieceHasher, { digestsAt: () => Effect.fail(broken) }))
      )
      assert.strictEqual(error.reason, "Failed")
      assert.strictEqual(error.cause, broken)
    })
  )

  it.live("asks for every piece exactly once", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const counting = Layer.mock(PieceHasher.PieceHasher, {
        digestsAt: ({ length, position }) =>
          Effect.sync(() => {
            asked.push(`${position}+${length}`)
            return Option.some(Digest.Digest.make(new Uint8Array(32)))
          })
      })
      const path = yield* fileOf(new Uint8Array(2 * MiB + 5))
      yield* Effect.provide(FileHasher.phfOf(path), counting)
      assert.deepStrictEqual(asked, [`0+${MiB}`, `${MiB}+${MiB}`, `${2 * MiB}+5`])
    })
  )
})
