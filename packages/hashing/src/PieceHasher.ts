/**
 * SHA-256 of pieces, the write that follows it, and copies between files, off the main thread. Pieces lie in shared memory and workers read
 * and write the file descriptors that the main thread opened, so nothing but a few words travels between threads.
 * Whoever asks keeps the bytes and the descriptor as they are until the effect has ended; an effect that is interrupted
 * ends only once no thread uses them any more.
 */
import { Digest, toHex } from "@piecework/domain/Digest"
import { Context, Effect, Layer, Option, Schema } from "effect"
import { HasherConfig } from "./HasherConfig.ts"
import * as inPlace from "./internal/inPlace.ts"
import type { Job, Perform } from "./internal/Job.ts"
import * as WorkerPool from "./internal/WorkerPool.ts"

/** There is no answer: the file could not be read, or the thread that had the job is gone. */
export class HasherError extends Schema.TaggedError<HasherError>()("HasherError", {
  operation: Schema.Literals(["digest", "write", "digestAt", "readAt", "copy"]),
  /** `Closed`: the hasher's scope ended first. */
  reason: Schema.Literals(["ReadFailed", "WorkerDied", "Closed"]),
  /** What the system said, like EIO; only with `ReadFailed`. */
  code: Schema.optionalKey(Schema.String),
  cause: Schema.Defect()
}) {
  override get message(): string {
    switch (this.reason) {
      case "ReadFailed":
        return `The file could not be read for ${this.operation === "copy" ? "a copy" : "hashing"} (${this.code ?? "no code"}).`
      case "WorkerDied":
        return "The thread that hashes ended in the middle of its work; trying again starts another."
      case "Closed":
        return "The hasher was shut down before it came to this piece."
    }
  }
}

/** The bytes are not those that were promised. Nothing was written. */
export class PieceMismatch extends Schema.TaggedError<PieceMismatch>()("PieceMismatch", {
  expected: Digest,
  actual: Digest
}) {
  override get message(): string {
    return `The piece should have the hash ${toHex(this.expected)} but has ${toHex(this.actual)}.`
  }
}

/** The disk refused the bytes; a part of them may have been written. */
export class WriteFailed extends Schema.TaggedError<WriteFailed>()("WriteFailed", {
  /** What the system said: ENOSPC, EIO, EDQUOT … */
  code: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return this.code === "ENOSPC" || this.code === "EDQUOT"
      ? `The piece could not be written: the disk is full (${this.code}). Free some space and try again.`
      : `The piece could not be written (${this.code}).`
  }
}

export class PieceHasher extends Context.Service<
  PieceHasher,
  {
    /** Bytes in shared memory go to a worker, others are hashed where they are. */
    readonly digest: (bytes: Uint8Array) => Effect.Effect<Digest, HasherError>
    /**
     * Hashes the bytes and writes them all at `position`. When `expected` is given and differs, fails with
     * `PieceMismatch` and writes nothing. With `record` its bytes, else the 32 of the digest, are written there after the bytes.
     */
    readonly write: (options: {
      readonly bytes: Uint8Array
      readonly expected?: Digest | undefined
      readonly fd: number
      readonly position: number
      readonly record?:
        | { readonly fd: number; readonly position: number; readonly bytes?: Uint8Array | undefined }
        | undefined
    }) => Effect.Effect<Digest, PieceMismatch | WriteFailed | HasherError>
    /** Hashes `length` bytes of the file from `position` on; `None` when the file ends before. */
    readonly digestAt: (options: {
      readonly fd: number
      readonly position: number
      readonly length: number
    }) => Effect.Effect<Option.Option<Digest>, HasherError>
    /**
     * The same for every `pieceSize` bytes, at least 1, of the `length`, of which the last piece has what remains: their
     * digests one after the other, of a single trip to a worker.
     */
    readonly digestsAt: (options: {
      readonly fd: number
      readonly position: number
      readonly length: number
      readonly pieceSize: number
    }) => Effect.Effect<Option.Option<Uint8Array>, HasherError>
    /**
     * Fills `target` (shared memory, or it is done on this thread) from `position` on and hashes it in the same trip;
     * `None` when the file ends before, `target` then holds what there was.
     */
    readonly readAt: (options: {
      readonly fd: number
      readonly position: number
      readonly target: Uint8Array
    }) => Effect.Effect<Option.Option<Digest>, HasherError>
    /**
     * Copies `length` bytes from `position` of one file to the same position of another, without hashing them; false
     * when the source ends before, a part may have been copied then. Several of one file may be under way at a time.
     */
    readonly copy: (options: {
      readonly from: number
      readonly to: number
      readonly position: number
      readonly length: number
    }) => Effect.Effect<boolean, WriteFailed | HasherError>
  }
>()("@piecework/hashing/PieceHasher") {
  /** Worker threads; they start with the first work for them unless told to start ahead, do not keep the process alive and end with the scope. */
  static readonly layer: Layer.Layer<PieceHasher, never, HasherConfig> = Layer.effect(
    PieceHasher,
    Effect.gen(function* () {
      const { workers, workerMinimum, startedAhead } = yield* HasherConfig
      const onWorker = yield* WorkerPool.make({ workers, startedAhead })
      const here = inPlace.make()
      const isForWorker = (job: Job): boolean =>
        job.operation === "digestAt" || job.operation === "copy"
          ? job.length >= workerMinimum
          : job.bytes.length >= workerMinimum && job.bytes.buffer instanceof SharedArrayBuffer
      return make((job) => (isForWorker(job) ? onWorker(job) : here(job)))
    })
  )

  /** All on this thread. */
  static readonly layerMemory: Layer.Layer<PieceHasher> = Layer.sync(PieceHasher, () => make(inPlace.make()))
}

const make = (perform: Perform): PieceHasher["Service"] => {
  const run = (job: Job) =>
    Effect.mapError(perform(job), (lost) => new HasherError({ operation: job.operation, ...lost }))

  /** The digest, or those of all pieces. */
  const readAll = (job: Exclude<Job, { readonly operation: "write" | "copy" }>) =>
    Effect.flatMap(run(job), (reply): Effect.Effect<Option.Option<string>, HasherError> => {
      switch (reply.kind) {
        case "Done":
          return Effect.succeedSome(reply.digest)
        case "Short":
          return Effect.succeedNone
        case "Refused":
          const { code, cause } = reply
          return new HasherError({ operation: job.operation, reason: "ReadFailed", code, cause })
        case "Mismatch":
        case "Copied":
          return Effect.die(new Error(`a ${job.operation} was answered with ${reply.kind}`))
      }
    })

  const read = (job: Parameters<typeof readAll>[0]) => Effect.map(readAll(job), Option.map(digestOf))

  return PieceHasher.of({
    digest: (bytes) => Effect.map(read({ operation: "digest", bytes }), Option.getOrThrow),

    write: ({ expected, ...job }) =>
      Effect.flatMap(
        run({ operation: "write", expected: expected === undefined ? expected : toHex(expected), ...job }),
        (reply): Effect.Effect<Digest, PieceMismatch | WriteFailed> => {
          switch (reply.kind) {
            case "Done":
              return Effect.succeed(digestOf(reply.digest))
            case "Mismatch":
              return expected === undefined
                ? Effect.die(new Error("a mismatch without anything expected"))
                : new PieceMismatch({ expected, actual: digestOf(reply.digest) })
            case "Refused":
              return new WriteFailed({ code: reply.code, cause: reply.cause })
            case "Short":
            case "Copied":
              return Effect.die(new Error(`a write was answered with ${reply.kind}`))
          }
        }
      ),

    digestAt: ({ fd, position, length }) => read({ operation: "digestAt", fd, position, length }),
    digestsAt: ({ fd, position, length, pieceSize }) =>
      Effect.map(
        readAll({ operation: "digestAt", fd, position, length, pieceSize }),
        Option.map((hex) => new Uint8Array(Buffer.from(hex, "hex")))
      ),
    readAt: ({ fd, position, target }) => read({ operation: "readAt", fd, position, bytes: target }),

    copy: ({ from, to, position, length }) =>
      Effect.flatMap(
        run({ operation: "copy", from, to, position, length }),
        (reply): Effect.Effect<boolean, WriteFailed | HasherError> => {
          switch (reply.kind) {
            case "Copied":
              return Effect.succeed(true)
            case "Short":
              return Effect.succeed(false)
            case "Refused":
              const { call, code, cause } = reply
              return call === "write"
                ? new WriteFailed({ code, cause })
                : new HasherError({ operation: "copy", reason: "ReadFailed", code, cause })
            case "Done":
            case "Mismatch":
              return Effect.die(new Error(`a copy was answered with ${reply.kind}`))
          }
        }
      )
  })
}

const digestOf = (hex: string): Digest => new Uint8Array(Buffer.from(hex, "hex")) as Digest
