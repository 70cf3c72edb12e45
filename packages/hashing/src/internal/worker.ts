/**
 * The worker thread's program. A worker normally is a file of its own, which a bundler would have to be told about, and
 * which has another name in `src` than in `dist`. So this one is a function that uses nothing but its parameters, and a
 * thread is started with its text: that works from sources, from `dist` and from a bundle, minified or not.
 *
 * Therefore `serve` must not refer to anything outside of it, and gives no names to functions inside, for which some
 * bundlers would call a helper of theirs. A test bundles it and runs it.
 */
import type * as crypto from "node:crypto"
import type * as fs from "node:fs"
import type { Job, Reply } from "./Job.ts"

/** The thread's end of the channel. */
export interface Port {
  readonly on: (event: "message", listener: (job: Job) => void) => unknown
  readonly postMessage: (reply: Reply) => void
}

export type Files = Pick<typeof fs, "readSync" | "writeSync">

/**
 * Answers every job with one reply, in order. Files are read and written in steps: what was read stays in the core's cache
 * until it is hashed or written, what need not be hashed before it is written is hashed on the way, and a page cache that is given 1 MiB at once takes up to six times the time (measured on ext4: it
 * makes large folios, which a virtual machine pays for).
 */
export const serve = (port: Port, files: Files, { hash, createHash }: Pick<typeof crypto, "hash" | "createHash">) => {
  const step = 256 * 1024
  const scratch = new Uint8Array(step)

  port.on("message", (job) => {
    let call: "read" | "write" = "read"
    try {
      if (job.operation === "copy") {
        for (let at = 0; at < job.length;) {
          call = "read"
          const read = files.readSync(job.from, scratch, 0, Math.min(step, job.length - at), job.position + at)
          if (read === 0) return port.postMessage({ kind: "Short" })
          call = "write"
          for (let done = 0; done < read;) {
            const written = files.writeSync(job.to, scratch, done, read - done, job.position + at + done)
            if (written === 0) throw Object.assign(new Error("the file took no bytes"), { code: "EIO" })
            done += written
          }
          at += read
        }
        return port.postMessage({ kind: "Copied" })
      }
      if (job.operation === "digest") {
        return port.postMessage({ kind: "Done", digest: hash("sha256", job.bytes, "hex") })
      }
      if (job.operation === "write") {
        const { bytes, expected, record } = job
        let digest = expected === undefined ? "" : hash("sha256", bytes, "hex")
        if (expected !== undefined && expected !== digest) return port.postMessage({ kind: "Mismatch", digest })
        call = "write"
        const hasher = expected === undefined ? createHash("sha256") : undefined
        for (let at = 0; at < bytes.length;) {
          const part = bytes.subarray(at, at + step)
          hasher?.update(part)
          for (let done = 0; done < part.length;) {
            const written = files.writeSync(job.fd, part, done, part.length - done, job.position + at + done)
            if (written === 0) throw Object.assign(new Error("the file took no bytes"), { code: "EIO" })
            done += written
          }
          at += part.length
        }
        digest = hasher?.digest("hex") ?? digest
        if (record !== undefined) {
          const line = record.bytes ?? Buffer.from(digest, "hex")
          for (let done = 0; done < line.length;) {
            const written = files.writeSync(record.fd, line, done, line.length - done, record.position + done)
            if (written === 0) throw Object.assign(new Error("the file took no bytes"), { code: "EIO" })
            done += written
          }
        }
        return port.postMessage({ kind: "Done", digest })
      }
      const target = job.operation === "readAt" ? job.bytes : undefined
      const length = job.operation === "readAt" ? job.bytes.length : job.length
      const pieceSize = (job.operation === "digestAt" ? job.pieceSize : undefined) ?? length
      let digest = ""
      for (let end = 0; end < length || digest === "";) {
        let at = end
        end = Math.min(length, end + pieceSize)
        const hasher = createHash("sha256")
        while (at < end) {
          const into = target === undefined ? scratch : target.subarray(at)
          const read = files.readSync(job.fd, into, 0, Math.min(step, end - at), job.position + at)
          if (read === 0) return port.postMessage({ kind: "Short" })
          hasher.update(into.subarray(0, read))
          at += read
        }
        digest += hasher.digest("hex")
      }
      port.postMessage({ kind: "Done", digest })
    } catch (cause) {
      const code = cause instanceof Error && "code" in cause ? String(cause.code) : "UNKNOWN"
      port.postMessage({ kind: "Refused", call, code, cause })
    }
  })
}

/** The text to start a thread with. Modules come from `process`, which is there whatever kind of script the text is. */
export const source = `{
  const { getBuiltinModule } = process
  const { parentPort } = getBuiltinModule("node:worker_threads")
  ;(${serve.toString()})(parentPort, getBuiltinModule("node:fs"), getBuiltinModule("node:crypto"))
}`
