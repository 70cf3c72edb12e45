/** What the hasher can be asked for, and what comes back: the messages between the main thread and a worker. */
import type { Effect } from "effect"

export type Job =
  | { readonly operation: "digest"; readonly bytes: Uint8Array }
  | {
      readonly operation: "write"
      readonly bytes: Uint8Array
      /** Hex; `undefined` when any bytes will do. */
      readonly expected: string | undefined
      readonly fd: number
      readonly position: number
      /** What is written, and where, once all of the bytes are: the 32 bytes of the digest, or others. */
      readonly record?:
        | { readonly fd: number; readonly position: number; readonly bytes?: Uint8Array | undefined }
        | undefined
    }
  | {
      readonly operation: "digestAt"
      readonly fd: number
      readonly position: number
      readonly length: number
      /** Bytes to a digest; absent: one digest of all. */
      readonly pieceSize?: number
    }
  | { readonly operation: "readAt"; readonly fd: number; readonly position: number; readonly bytes: Uint8Array }
  | {
      readonly operation: "copy"
      readonly from: number
      readonly to: number
      /** In both files. */
      readonly position: number
      readonly length: number
    }

/** Digests travel as hex, several one after the other: a string is the cheapest thing to clone. */
export type Reply =
  | { readonly kind: "Done"; readonly digest: string }
  | { readonly kind: "Mismatch"; readonly digest: string }
  | { readonly kind: "Copied" }
  /** The file ends before the bytes that were asked for. */
  | { readonly kind: "Short" }
  /** The system refused to read or to write; `code` as Node names it, like ENOSPC. */
  | { readonly kind: "Refused"; readonly call: "read" | "write"; readonly code: string; readonly cause: unknown }

/** The thread that had the job is gone. */
export interface Lost {
  readonly reason: "WorkerDied" | "Closed"
  readonly cause: unknown
}

export type Perform = (job: Job) => Effect.Effect<Reply, Lost>
