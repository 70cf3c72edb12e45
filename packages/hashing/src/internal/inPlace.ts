/**
 * Does a job on this thread: hashes where the bytes are, and leaves reading and writing to Node's own thread pool, so
 * that a slow disk never holds up the thread.
 */
import { createHash, hash } from "node:crypto"
import * as fs from "node:fs"
import { Effect } from "effect"
import type { Job, Perform, Reply } from "./Job.ts"

/** Moves up to `length` bytes and says how many. */
type Move = (
  fd: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
  position: number,
  callback: (error: NodeJS.ErrnoException | null, moved: number) => void
) => void

export interface Files {
  readonly read: Move
  readonly write: Move
}

export const make = (files: Files = fs): Perform => {
  const writeAll = async (fd: number, bytes: Uint8Array, position: number): Promise<void> => {
    if (await moveAll(files.write, fd, bytes, position)) return
    throw Object.assign(new Error("the file took no bytes"), { code: "EIO" })
  }

  const withFile = async (job: Exclude<Job, { readonly operation: "digest" }>): Promise<Reply> => {
    let call: "read" | "write" = "read"
    try {
      if (job.operation === "copy") {
        const scratch = new Uint8Array(Math.min(step, job.length))
        for (let at = 0; at < job.length; at += step) {
          const part = scratch.subarray(0, job.length - at)
          call = "read"
          if (!(await moveAll(files.read, job.from, part, job.position + at))) return { kind: "Short" }
          call = "write"
          await writeAll(job.to, part, job.position + at)
        }
        return { kind: "Copied" }
      }
      if (job.operation === "write") {
        const digest = hash("sha256", job.bytes, "hex")
        if (job.expected !== undefined && job.expected !== digest) return { kind: "Mismatch", digest }
        call = "write"
        await writeAll(job.fd, job.bytes, job.position)
        const { record } = job
        if (record !== undefined) {
          await writeAll(record.fd, record.bytes ?? Buffer.from(digest, "hex"), record.position)
        }
        return { kind: "Done", digest }
      }
      const target = job.operation === "readAt" ? job.bytes : undefined
      const length = job.operation === "readAt" ? job.bytes.length : job.length
      const scratch = new Uint8Array(target === undefined ? Math.min(step, length) : 0)
      const pieceSize = (job.operation === "digestAt" ? job.pieceSize : undefined) ?? length
      let digest = ""
      for (let end = 0; end < length || digest === "";) {
        const start = end
        end = Math.min(length, start + pieceSize)
        const hasher = createHash("sha256")
        for (let at = start; at < end; at += step) {
          const size = Math.min(step, end - at)
          const part = target?.subarray(at, at + size) ?? scratch.subarray(0, size)
          if (!(await moveAll(files.read, job.fd, part, job.position + at))) return { kind: "Short" }
          hasher.update(part)
        }
        digest += hasher.digest("hex")
      }
      return { kind: "Done", digest }
    } catch (cause) {
      const code = cause instanceof Error && "code" in cause ? String(cause.code) : "UNKNOWN"
      return { kind: "Refused", call, code, cause }
    }
  }

  return (job) =>
    job.operation === "digest"
      ? Effect.sync(() => ({ kind: "Done", digest: hash("sha256", job.bytes, "hex") }))
      : // Not interrupted once begun: the system may still be using the caller's memory.
        Effect.uninterruptible(Effect.promise(() => withFile(job)))
}

/** Bytes read and hashed at a time: they are still in the core's cache when they are hashed. */
const step = 256 * 1024

/** Goes on until all bytes are moved; `false` when a call moves none. */
const moveAll = async (move: Move, fd: number, bytes: Uint8Array, position: number): Promise<boolean> => {
  for (let at = 0; at < bytes.length;) {
    const moved = await new Promise<number>((resolve, reject) => {
      move(fd, bytes, at, bytes.length - at, position + at, (error, n) => (error ? reject(error) : resolve(n)))
    })
    if (moved === 0) return false
    at += moved
  }
  return true
}
