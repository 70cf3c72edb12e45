/**
 * Does a job on this thread: hashes where the bytes are, and leaves reading and writing to Node's own thread pool, so
 * that a slow disk never holds up the thread.
 */
import { hash } from "node:crypto"
import * as nodeFs from "node:fs"
import { promisify } from "node:util"
import { Effect } from "effect"
import type { Job, Perform, Reply } from "./Job.ts"

export type Files = Pick<typeof nodeFs, "read" | "write">

/** A job that has begun is not interrupted: the system may still be reading or writing the caller's memory. */
export const make = (files: Files = nodeFs): Perform => {
  const read = promisify(files.read)
  const write = promisify(files.write)

  const fill = async (fd: number, position: number, bytes: Uint8Array): Promise<boolean> => {
    for (let at = 0; at < bytes.length;) {
      const { bytesRead } = await read(fd, bytes, at, bytes.length - at, position + at)
      if (bytesRead === 0) return false
      at += bytesRead
    }
    return true
  }

  const drain = async (fd: number, position: number, bytes: Uint8Array): Promise<void> => {
    for (let at = 0; at < bytes.length;) {
      const { bytesWritten } = await write(fd, bytes, at, bytes.length - at, position + at)
      if (bytesWritten === 0) throw Object.assign(new Error("the file took no bytes"), { code: "EIO" })
      at += bytesWritten
    }
  }

  const withFile = async (job: Exclude<Job, { readonly operation: "digest" }>): Promise<Reply> => {
    try {
      if (job.operation === "write") {
        const digest = hash("sha256", job.bytes, "hex")
        if (job.expected !== undefined && job.expected !== digest) return { kind: "Mismatch", digest }
        await drain(job.fd, job.position, job.bytes)
        return { kind: "Done", digest }
      }
      const bytes = job.operation === "readAt" ? job.bytes : new Uint8Array(job.length)
      if (!(await fill(job.fd, job.position, bytes))) return { kind: "Short" }
      return { kind: "Done", digest: hash("sha256", bytes, "hex") }
    } catch (cause) {
      return { kind: "Refused", code: codeOf(cause), cause }
    }
  }

  return (job) =>
    job.operation === "digest"
      ? Effect.sync(() => ({ kind: "Done", digest: hash("sha256", job.bytes, "hex") }))
      : Effect.uninterruptible(Effect.promise(() => withFile(job)))
}

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "UNKNOWN"
