/**
 * Simple mode: the file over plain HTTP, in order, on one connection. Nobody vouched for its hashes, so each piece is
 * hashed when it is written and its digest recorded; a later run believes only what still hashes to that, and goes on
 * behind it if the origin says that the file is the same. Source: spec.md §2.2, §3.4 (retries, resume).
 */
import { createHash } from "node:crypto"
import type { CacheError } from "@piecework/cache/CacheError"
import { type PartialFile, PartialFiles, PartialKey } from "@piecework/cache/PartialFile"
import type { ContentId } from "@piecework/domain/Content"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { type PieceIndex, standardPieceSize } from "@piecework/domain/PieceLayout"
import { BufferPool, type PieceBuffer } from "@piecework/hashing/BufferPool"
import type { Phf } from "@piecework/hashing/Phf"
import { short } from "@piecework/ledger/Recorder"
import type { OriginKind, Probe } from "@piecework/sources/Origin"
import { SourceError } from "@piecework/sources/PieceSource"
import { Deferred, type Duration, Effect, Exit, FiberSet, Result, Scope, Semaphore } from "effect"
import { type Asked, badPieces, endOf } from "./Asked.ts"
import { CurrentLedger } from "./CurrentLedger.ts"
import {
  type DestinationError,
  type NoProgressError,
  type NoSourceError,
  type RangesError,
  type StorageError
} from "./DownloadError.ts"
import type { Meter } from "./Meter.ts"
import { bytesIn, type ByteRange, resolve, type Span } from "./ByteRanges.ts"
import * as SpansBody from "./SpansBody.ts"
import * as SteadyBody from "./SteadyBody.ts"
import * as Storage from "./Storage.ts"

export interface SimpleDownloadOptions {
  readonly url: ContentUrl
  /** Where the file was asked for before. */
  readonly formerUrls: ReadonlyArray<ContentUrl>
  readonly origin: Asked
  /** The answer to the first request: its bytes are the beginning of the file. */
  readonly probe: Probe
  readonly path: string
  readonly overwrite: boolean
  /** What the bytes have to be, when somebody knows. */
  readonly expected: ContentId | undefined
  /** Bytes of a piece in the hashes of what is expected. Default the standard one. */
  readonly pieceSize: number | undefined
  /** Only these parts, one after the other. Default all of it. */
  readonly ranges?: ReadonlyArray<ByteRange> | undefined
  readonly meter: Meter
  /** How long nothing may come before it gives up. */
  readonly patience: Duration.Duration
  /** Called when all bytes are here and the file is put into its place. */
  readonly onWriting: Effect.Effect<void>
}

/**
 * Pieces that wait for their write, or are being written: enough to keep every worker busy, and few, so that the same memory
 * is used again while it is warm. The first touch of fresh memory costs more than what is done in it.
 */
const writesAtOnce = 16

export type Failure = DestinationError | StorageError | NoSourceError | NoProgressError | RangesError

/** Fetches the file to its destination; answers the hashes it turned out to have. */
export const run = Effect.fn("SimpleDownload.run")(function* (
  options: SimpleDownloadOptions
): Effect.fn.Return<Phf, Failure, BufferPool | PartialFiles | Scope.Scope> {
  const { url, origin, probe, meter, ranges } = options
  const resolved = ranges === undefined ? undefined : resolve(ranges, probe.size ?? Infinity)
  if (resolved !== undefined && Result.isFailure(resolved)) return yield* resolved.failure
  /** Ends may be infinite while nobody said how long the file is. */
  const spans = resolved?.success
  /** Bytes at the destination. */
  const expectedSize = spans === undefined ? probe.size : sizeOf(spans)
  const pool = yield* BufferPool
  const partials = yield* PartialFiles
  const pieceSize = Math.min(options.pieceSize ?? standardPieceSize, pool.bufferSize)
  const broken = yield* Deferred.make<never, StorageError>()

  // Without a validator nobody can tell whether what is held belongs to the same file.
  const { partial, resumed } = yield* Effect.mapError(
    resume(partials, options, pieceSize, spans, expectedSize),
    Storage.fromCache
  )
  if (resumed > 0 && !probe.ranges) {
    yield* Effect.logInfo("This origin sends whole files only; beginning again, and keeping what is here already.")
  }
  const ledger = yield* CurrentLedger
  if (resumed > 0) ledger.note({ _tag: "Resumed", bytes: resumed * pieceSize })
  if (!probe.ranges) ledger.note({ _tag: "WholeFiles", source: short(origin.id, 256) })
  for (let n = 0; n < resumed; n++) meter.kept("LocalCache", pieceSize, true)

  const writers = yield* FiberSet.make<void>()
  const turns = yield* Semaphore.make(writesAtOnce)
  /** Of the piece that is being read, what came from a cache server. */
  let fromCache = 0
  const write = (piece: PieceIndex, buffer: PieceBuffer, length: number, cached: number) =>
    partial.append(piece, buffer.bytes, length).pipe(
      Effect.tap(() =>
        Effect.sync(() => {
          if (cached > 0) meter.kept("CacheServer", cached, true)
          if (cached < length) meter.kept("Origin", length - cached, true)
        })
      ),
      Effect.catch((error: CacheError) => Effect.asVoid(Deferred.fail(broken, Storage.fromCache(error)))),
      Effect.ensuring(Effect.andThen(Effect.sync(buffer.release), turns.release(1)))
    )

  const { patience } = options
  const onBytes = (kind: OriginKind, bytes: number) => {
    if (kind === "CacheServer") fromCache += bytes
  }
  const from = resumed * pieceSize
  const body =
    spans === undefined
      ? yield* SteadyBody.make({ origin, probe, from, patience, onBytes })
      : yield* SpansBody.make({ origin, probe, spans, from, patience, onBytes })

  /** One piece; answers how long it is. Short only at the end of the file. */
  const next = Effect.fnUntraced(function* (piece: PieceIndex) {
    let length = 0
    fromCache = 0
    // Given back by the write; without one the file is at its end, or the download is over.
    yield* turns.take(1)
    yield* pool.take(
      (buffer) => Effect.map(body.fill(buffer.bytes.subarray(0, pieceSize)), (n) => (length = n)),
      (buffer) => {
        if (length > 0) return Effect.asVoid(FiberSet.run(writers, write(piece, buffer, length, fromCache)))
        buffer.release()
        return Effect.void
      }
    )
    return length
  })

  const discard = Effect.andThen(FiberSet.awaitEmpty(writers), Effect.ignore(partial.discard))

  const all = Effect.gen(function* () {
    let piece = resumed
    let size = resumed * pieceSize
    while (size < (expectedSize ?? Infinity)) {
      const length = yield* next(piece as PieceIndex)
      size += length
      piece++
      if (length < pieceSize) break
    }
    if (expectedSize !== undefined && size !== expectedSize) {
      return yield* endOf(origin, new SourceError({ source: origin.id, reason: "ContentChanged", url }))
    }
    yield* FiberSet.awaitEmpty(writers)
    // The last of them may have failed just now.
    if (yield* Deferred.isDone(broken)) return yield* Deferred.await(broken)
    return size
  })

  const size = yield* Effect.raceFirst(all, Deferred.await(broken)).pipe(
    Effect.tapError((error) => (isOfUse(error, probe) ? Effect.void : discard))
  )
  yield* options.onWriting
  return yield* partial
    .finish({ size, path: options.path, overwrite: options.overwrite, expected: options.expected })
    .pipe(
      Effect.catch((error): Effect.Effect<never, Failure> => {
        if (error.reason !== "Mismatch") return Effect.fail(Storage.fromExport(error))
        // What is here is of no use to anybody.
        return Effect.andThen(discard, Effect.fail(badPieces(origin, url)))
      })
    )
})

/**
 * Where the file is kept, and how many pieces of it are there: of this URL, else of the first of those before it that had the same
 * version and length. Whoever asks for one file at several says that they are the same.
 */
const resume = Effect.fnUntraced(function* (
  partials: PartialFiles["Service"],
  { formerUrls, probe, url }: SimpleDownloadOptions,
  pieceSize: number,
  spans: ReadonlyArray<Span> | undefined,
  expectedSize: number | undefined
): Effect.fn.Return<{ readonly partial: PartialFile; readonly resumed: number }, CacheError, Scope.Scope> {
  const open = (of: ContentUrl) => partials.open({ key: keyOf(of, probe, spans), pieceSize, size: expectedSize })
  const partial = yield* open(url)
  if (probe.validator === undefined) return { partial, resumed: 0 }
  const resumed = yield* partial.resume
  if (resumed > 0 || probe.size === undefined) return { partial, resumed }
  for (const former of formerUrls) {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const other = yield* Scope.provide(open(former), scope)
    const found = yield* other.resume
    if (found > 0) return yield* Effect.as(partial.discard, { partial: other, resumed: found })
    yield* Effect.andThen(other.discard, Scope.close(scope, Exit.void))
  }
  return { partial, resumed }
})

const sizeOf = (spans: ReadonlyArray<Span>): number | undefined => {
  const bytes = bytesIn(spans)
  return bytes === Infinity ? undefined : bytes
}

/** Names the file at the origin: the same URL, version and length are the same bytes. */
const keyOf = (url: ContentUrl, probe: Probe, spans: ReadonlyArray<Span> | undefined): PartialKey =>
  PartialKey.make(
    createHash("sha256")
      .update(
        JSON.stringify([url, probe.validator ?? null, probe.size ?? null, ...(spans === undefined ? [] : [spans])])
      )
      .digest("hex")
  )

/** Whether a later run could go on with what is here: not when the file it belongs to is gone, or cannot be told apart. */
const isOfUse = (error: Failure, probe: Probe): boolean =>
  probe.validator !== undefined && !(error._tag === "NoSourceError" && error.reason === "ContentChanged")
