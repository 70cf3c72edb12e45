/** The file that is fetched: random bytes, so that nothing on the way can make it smaller, and its hashes. */
import { Effect, Schema } from "effect"
import { createHash, randomFill } from "node:crypto"
import { type FileHandle, open } from "node:fs/promises"
import { promisify } from "node:util"
import { pieceSize } from "./Torrent.ts"

export class TestFileError extends Schema.TaggedError<TestFileError>()("TestFileError", {
  operation: Schema.Literals(["make", "hash"]),
  path: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `The file ${this.path} could not be ${this.operation === "make" ? "written" : "read back"}.`
  }
}

export interface TestFile {
  readonly path: string
  readonly size: number
  /** SHA-256 of the file as hex. */
  readonly sha256: string
  /** SHA-1 of every piece, one after the other, for a torrent. */
  readonly pieceDigests: Uint8Array
}

const fillRandom = promisify<Uint8Array, Uint8Array>(randomFill)

/** Writes `size` random bytes and waits until the disk has them, so that writing them back disturbs no run. */
export const make = (path: string, size: number): Effect.Effect<TestFile, TestFileError> =>
  withFile(path, "wx", "make", async (handle) => {
    const buffer = Buffer.allocUnsafeSlow(pieceSize)
    const whole = createHash("sha256")
    const digests: Array<Uint8Array> = []
    for (let at = 0; at < size; at += pieceSize) {
      const piece = buffer.subarray(0, Math.min(pieceSize, size - at))
      await fillRandom(piece)
      whole.update(piece)
      digests.push(createHash("sha1").update(piece).digest())
      await handle.writeFile(piece)
    }
    await handle.sync()
    return { path, size, sha256: whole.digest("hex"), pieceDigests: Buffer.concat(digests) }
  })

/** SHA-256 of a file as hex. */
export const hash = (path: string): Effect.Effect<string, TestFileError> =>
  withFile(path, "r", "hash", async (handle) => {
    const buffer = Buffer.allocUnsafeSlow(pieceSize)
    const whole = createHash("sha256")
    for (let at = 0; ;) {
      const { bytesRead } = await handle.read(buffer, 0, pieceSize, at)
      if (bytesRead === 0) return whole.digest("hex")
      whole.update(buffer.subarray(0, bytesRead))
      at += bytesRead
    }
  })

const withFile = <A>(
  path: string,
  flags: string,
  operation: TestFileError["operation"],
  use: (handle: FileHandle) => Promise<A>
): Effect.Effect<A, TestFileError> => {
  const failed = (cause: unknown) => new TestFileError({ operation, path, cause })
  return Effect.acquireUseRelease(
    Effect.tryPromise({ try: () => open(path, flags), catch: failed }),
    (handle) => Effect.tryPromise({ try: () => use(handle), catch: failed }),
    (handle) => Effect.promise(() => handle.close())
  )
}
