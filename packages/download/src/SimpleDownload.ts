/**
 * Simple mode: the file over plain HTTP, in order, on one connection. Nobody vouched for its hashes, so each piece is
 * hashed when it is written and its digest recorded; a later run believes only what still hashes to that, and goes on
 * behind it if the origin says that the file is the same. Source: spec.md §2.2, §3.4 (retries, resume).
 */
import { createHash } from "node:crypto"
import type { CacheError } from "@piecework/cache/CacheError"
import { PartialFiles, PartialKey } from "@piecework/cache/PartialFile"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { type PieceIndex, standardPieceSize } from "@piecework/domain/PieceLayout"
import { BufferPool, type PieceBuffer } from "@piecework/hashing/BufferPool"
import type { Phf } from "@piecework/hashing/Phf"
import type { HttpBody, HttpError } from "@piecework/sources/HttpClient"
import type { Origin, Probe } from "@piecework/sources/Origin"
import { SourceError } from "@piecework/sources/PieceSource"
import { Clock, Deferred, Duration, Effect, FiberSet, type Scope, ScopedRef } from "effect"
import { DownloadConfig } from "./DownloadConfig.ts"
import { type DestinationError, NoProgressError, NoSourceError, type StorageError } from "./DownloadError.ts"
import type { Meter } from "./Meter.ts"
import * as Storage from "./Storage.ts"

export interface SimpleDownloadOptions {
  readonly url: ContentUrl
  readonly origin: Origin
  /** The answer to the first request: its bytes are the beginning of the file. */
  readonly probe: Probe
  readonly path: string
  readonly overwrite: boolean
  readonly meter: Meter
  /** Called when all bytes are here and the file is put into its place. */
  readonly onWriting: Effect.Effect<void>
}

type Failure = DestinationError | StorageError | NoSourceError | NoProgressError

/** Source: spec.md §3.4, retry after a failure. */
const shortestWait = Duration.seconds(1)
const longestWait = Duration.seconds(30)

/** Fetches the file to its destination; answers the hashes it turned out to have. */
export const run = Effect.fn("SimpleDownload.run")(function* (
  options: SimpleDownloadOptions
): Effect.fn.Return<Phf, Failure, BufferPool | DownloadConfig | PartialFiles | Scope.Scope> {
  const { url, origin, probe, meter } = options
  const pool = yield* BufferPool
  const partials = yield* PartialFiles
  const config = yield* DownloadConfig
  const pieceSize = Math.min(standardPieceSize, pool.bufferSize)
  const broken = yield* Deferred.make<never, StorageError>()

  // Without a validator nobody can tell whether what is held belongs to the same file.
  const partial = yield* partials.open({ key: keyOf(url, probe), pieceSize }).pipe(Effect.mapError(Storage.fromCache))
  const resumed = probe.validator === undefined ? 0 : yield* Effect.mapError(partial.resume, Storage.fromCache)
  for (let n = 0; n < resumed; n++) meter.kept("LocalCache", pieceSize, true)

  const writers = yield* FiberSet.make<void>()
  const write = (piece: PieceIndex, buffer: PieceBuffer, length: number) =>
    partial.append(piece, buffer.bytes, length).pipe(
      Effect.tap(() => Effect.sync(() => meter.kept("Origin", length, true))),
      Effect.catch((error: CacheError) => Effect.asVoid(Deferred.fail(broken, Storage.fromCache(error)))),
      Effect.ensuring(Effect.sync(buffer.release))
    )

  const body = yield* makeBody(origin, probe, resumed * pieceSize, config)

  /** One piece; answers how long it is. Short only at the end of the file. */
  const next = Effect.fnUntraced(function* (piece: PieceIndex) {
    let length = 0
    yield* pool.take(
      (buffer) => Effect.map(body.fill(buffer.bytes.subarray(0, pieceSize)), (n) => (length = n)),
      (buffer) => {
        if (length > 0) return Effect.asVoid(FiberSet.run(writers, write(piece, buffer, length)))
        buffer.release()
        return Effect.void
      }
    )
    return length
  })

  const all = Effect.gen(function* () {
    let piece = resumed
    let size = resumed * pieceSize
    while (probe.size === undefined || size < probe.size) {
      const length = yield* next(piece as PieceIndex)
      size += length
      piece++
      if (length < pieceSize) break
    }
    if (probe.size !== undefined && size !== probe.size) {
      return yield* noSource(url, new SourceError({ source: origin.id, reason: "ContentChanged", url }))
    }
    yield* FiberSet.awaitEmpty(writers)
    return size
  })

  const size = yield* Effect.raceFirst(all, Deferred.await(broken))
  yield* options.onWriting
  return yield* partial
    .finish({ size, path: options.path, overwrite: options.overwrite })
    .pipe(Effect.mapError(Storage.fromExport))
})

/** Names the file at the origin: the same URL, version and length are the same bytes. */
const keyOf = (url: ContentUrl, probe: Probe): PartialKey =>
  PartialKey.make(
    createHash("sha256")
      .update(JSON.stringify([url, probe.validator ?? null, probe.size ?? null]))
      .digest("hex")
  )

/**
 * The bytes of the file from `from` on as one body that mends itself: when the connection fails the rest is asked for
 * again, later and later, until nothing came for too long.
 */
const makeBody = Effect.fnUntraced(function* (
  origin: Origin,
  probe: Probe,
  from: number,
  config: DownloadConfig["Service"]
) {
  const patience = Duration.toMillis(Duration.fromInputUnsafe(config.noProgressTimeout))
  // The answer to the first request is used up before anything else is asked for.
  const current = yield* ScopedRef.make<HttpBody | undefined>(() => (from === 0 ? probe.body : undefined))
  let at = from
  /** Whether the body that is open now is only the beginning of the file. */
  let isBeginning = from === 0 && probe.ranges
  const atEnd = () => probe.size !== undefined && at >= probe.size

  /** The file from `at` on; an origin that sends whole files only sends it all, and the known part is passed over. */
  const open = Effect.gen(function* () {
    const rest = origin.stream(at, probe.validator).pipe(
      Effect.map((response) => response.body),
      Effect.catchIf(
        (error) => error.reason === "RangeIgnored",
        () =>
          Effect.gen(function* () {
            const { body } = yield* origin.stream(0, probe.validator)
            const passedOver = new Uint8Array(65_536)
            let skipped = 0
            while (skipped < at) {
              const n = yield* body.fill(passedOver.subarray(0, Math.min(passedOver.length, at - skipped)))
              if (n === 0) break
              skipped += n
            }
            return body
          })
      )
    )
    isBeginning = false
    yield* ScopedRef.set(current, rest)
  })

  const once = Effect.fnUntraced(function* (target: Uint8Array): Effect.fn.Return<void, SourceError | HttpError> {
    let filled = 0
    while (filled < target.length && !atEnd()) {
      if ((yield* ScopedRef.get(current)) === undefined) yield* open
      const body = yield* ScopedRef.get(current)
      const n = body === undefined ? 0 : yield* body.fill(target.subarray(filled))
      filled += n
      at += n
      if (filled < target.length && isBeginning && !atEnd()) yield* open
      else if (n === 0) return
    }
  })

  /** Fills `target`; short only at the end of the file. */
  const fill = Effect.fnUntraced(function* (
    target: Uint8Array
  ): Effect.fn.Return<number, NoProgressError | NoSourceError> {
    const start = at
    let wait = shortestWait
    let failingSince: number | undefined
    while (true) {
      const before = at
      const result = yield* Effect.result(once(target.subarray(at - start)))
      if (result._tag === "Success") return at - start
      const error = result.failure
      if (error._tag === "SourceError" && error.isFatal) return yield* noSource(origin.url, error)
      const now = yield* Clock.currentTimeMillis
      if (at > before) {
        failingSince = undefined
        wait = shortestWait
      }
      failingSince ??= now
      if (now - failingSince >= patience) {
        return yield* new NoProgressError({
          url: origin.url,
          seconds: (now - failingSince) / 1000,
          last: error.message
        })
      }
      yield* Effect.logDebug("origin failed, asking again", error.message)
      yield* ScopedRef.set(current, Effect.succeed(undefined))
      yield* Effect.sleep(wait)
      wait = Duration.min(Duration.times(wait, 2), longestWait)
    }
  })
  return { fill }
})

const noSource = (url: ContentUrl, error: SourceError): NoSourceError =>
  new NoSourceError({
    url,
    reason: error.reason,
    detail: error.message,
    ...(error.status === undefined ? {} : { status: error.status })
  })
