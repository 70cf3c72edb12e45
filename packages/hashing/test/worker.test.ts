import { execFile } from "node:child_process"
import * as crypto from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { rolldown } from "rolldown"
import type { Job, Reply } from "../src/internal/Job.ts"
import { type Files, serve } from "../src/internal/worker.ts"
import { bytesOf, folder } from "./support.ts"

const run = (file: string, args: ReadonlyArray<string>) =>
  Effect.promise(() => promisify(execFile)(file, [...args], { timeout: 20_000 }))

/** What the program of a thread answers to a job, given these files. */
const answer = (files: Partial<Files>, job: Job): Reply | undefined => {
  let reply: Reply | undefined
  serve(
    { on: (_, listener) => listener(job), postMessage: (message) => void (reply = message) },
    { readSync: fs.readSync, writeSync: fs.writeSync, ...files },
    crypto
  )
  return reply
}

const hex = (bytes: Uint8Array) => crypto.hash("sha256", bytes, "hex")
const write = (bytes: Uint8Array): Job => ({ operation: "write", bytes, expected: undefined, fd: 3, position: 100 })

/** The signatures have many forms; the program uses this one. */
type Step = (fd: number, bytes: Uint8Array, offset: number, length: number, position: number) => number

describe("the worker's program", () => {
  it("goes on where the system stopped writing", () => {
    const bytes = bytesOf(1000)
    const disk = Buffer.alloc(1100)
    const writeSync: Step = (_, from, offset, length, position) => {
      const taken = Math.min(length, 300)
      disk.set(from.subarray(offset, offset + taken), position)
      return taken
    }
    const reply = answer({ writeSync: writeSync as typeof fs.writeSync }, write(bytes))
    assert.deepStrictEqual(reply, { kind: "Done", digest: hex(bytes) })
    assert.isTrue(disk.subarray(100).equals(bytes))
  })

  it("gives up on a file that takes nothing", () => {
    const reply = answer({ writeSync: () => 0 }, write(bytesOf(10)))
    assert.ok(reply?.kind === "Refused")
    assert.strictEqual(reply.code, "EIO")
  })

  it("goes on where the system stopped reading, and hashes what it read", () => {
    const disk = bytesOf(700_000)
    const readSync: Step = (_, into, offset, length, position) => {
      const part = disk.subarray(position, position + Math.min(length, 99_999))
      into.set(part, offset)
      return part.length
    }
    const files = { readSync: readSync as typeof fs.readSync }
    const target = new Uint8Array(600_000)
    const digest = hex(disk.subarray(50, 600_050))
    const at = { fd: 3, position: 50 }
    assert.deepStrictEqual(answer(files, { operation: "readAt", bytes: target, ...at }), { kind: "Done", digest })
    assert.isTrue(Buffer.from(target).equals(disk.subarray(50, 600_050)))
    assert.deepStrictEqual(answer(files, { operation: "digestAt", length: 600_000, ...at }), { kind: "Done", digest })
    assert.deepStrictEqual(answer(files, { operation: "digestAt", length: 700_000, ...at }), { kind: "Short" })
    const parts = [hex(disk.subarray(50, 400_050)), hex(disk.subarray(400_050, 600_050))]
    const inPieces = { operation: "digestAt", length: 600_000, pieceSize: 400_000, ...at } as const
    assert.deepStrictEqual(answer(files, inPieces), { kind: "Done", digest: parts.join("") })
  })

  it("goes on with a copy where the system stopped reading or writing", () => {
    const source = bytesOf(700_000)
    const disk = Buffer.alloc(700_000)
    const readSync: Step = (_, into, offset, length, position) => {
      const part = source.subarray(position, position + Math.min(length, 99_999))
      into.set(part, offset)
      return part.length
    }
    const writeSync: Step = (_, from, offset, length, position) => {
      const taken = Math.min(length, 70_000)
      disk.set(from.subarray(offset, offset + taken), position)
      return taken
    }
    const files = { readSync: readSync as typeof fs.readSync, writeSync: writeSync as typeof fs.writeSync }
    const copy = { operation: "copy", from: 3, to: 4, position: 50 } as const
    assert.deepStrictEqual(answer(files, { ...copy, length: 600_000 }), { kind: "Copied" })
    assert.isTrue(disk.subarray(50, 600_050).equals(source.subarray(50, 600_050)))
    assert.deepStrictEqual(answer(files, { ...copy, length: 700_000 }), { kind: "Short" })
    const full = answer({ ...files, writeSync: () => 0 }, { ...copy, length: 10 })
    assert.ok(full?.kind === "Refused")
    assert.deepStrictEqual([full.call, full.code], ["write", "EIO"])
  })

  /** Hashes on a worker and leaves the scope open: the process must end by itself all the same. */
  const program = `
    import { HasherConfig, PieceHasher } from "@piecework/hashing"
    import { Effect, Layer, ManagedRuntime } from "effect"
    const runtime = ManagedRuntime.make(PieceHasher.PieceHasher.layer.pipe(Layer.provide(HasherConfig.layer())))
    const hasher = await runtime.runPromise(Effect.gen(function* () { return yield* PieceHasher.PieceHasher }))
    const bytes = new Uint8Array(new SharedArrayBuffer(1_048_576)).fill(7)
    const digest = await runtime.runPromise(hasher.digest(bytes))
    console.log(Buffer.from(digest).toString("hex"))`
  const expected = `${hex(new Uint8Array(1_048_576).fill(7))}\n`

  it.live("runs from the sources, and keeps no process alive when it has nothing to do", () =>
    Effect.gen(function* () {
      const args = ["--conditions=source", "--input-type=module", "--eval", program]
      assert.strictEqual((yield* run(process.execPath, args)).stdout, expected)
    })
  )

  for (const [how, options] of [
    ["as it is", {}],
    ["minified", { minify: true }],
    ["minified, with the names of functions kept", { minify: true, keepNames: true }]
  ] as const) {
    it.live(`runs from a bundle, ${how}`, () =>
      Effect.gen(function* () {
        const directory = yield* folder
        const bundled = join(directory, "bundle.mjs")
        const entry = join(import.meta.dirname, "entry.ts")
        yield* Effect.promise(async () => {
          const build = await rolldown({
            input: entry,
            platform: "node",
            resolve: { conditionNames: ["source", "import", "node", "default"] },
            plugins: [
              {
                name: "entry",
                load: (id) => (id === entry ? program : undefined),
                resolveId: (id) => (id === entry ? id : undefined)
              }
            ]
          })
          await build.write({ file: bundled, ...options })
          await build.close()
        })
        assert.strictEqual((yield* run(process.execPath, [bundled])).stdout, expected)
      })
    )
  }
})
