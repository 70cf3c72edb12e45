/** What several tests of this package need. */
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { HasherConfig, PieceHasher } from "@piecework/hashing"
import { Effect, Layer } from "effect"

/** Every hasher: the same sentences must hold for each. The workers are given even the smallest input. */
export const hashers: ReadonlyArray<readonly [string, Layer.Layer<PieceHasher.PieceHasher>]> = [
  ["on this thread", PieceHasher.PieceHasher.layerMemory],
  [
    "on workers",
    PieceHasher.PieceHasher.layer.pipe(Layer.provide(HasherConfig.layer({ workers: 2, workerMinimum: 0 })))
  ],
  ["on workers when it is worth it", PieceHasher.PieceHasher.layer.pipe(Layer.provide(HasherConfig.layer()))]
]

/** Bytes in shared memory that look like nothing else: each one depends on its place and the seed. */
export const bytesOf = (length: number, seed = 1): Uint8Array => {
  const bytes = new Uint8Array(new SharedArrayBuffer(length))
  let state = seed >>> 0
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}

/** A folder of its own, removed with the scope. */
export const folder = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(join(tmpdir(), "piecework-hashing-"))),
  (path) => Effect.sync(() => fs.rmSync(path, { recursive: true, force: true }))
)

/** The path of a file with these bytes, removed with the scope. */
export const fileOf = (bytes: Uint8Array) =>
  Effect.map(folder, (path) => {
    const file = join(path, "file")
    fs.writeFileSync(file, bytes)
    return file
  })

/** An open file, closed with the scope. */
export const open = (path: string, flags: string) =>
  Effect.acquireRelease(
    Effect.sync(() => fs.openSync(path, flags)),
    (fd) => Effect.sync(() => fs.closeSync(fd))
  )
