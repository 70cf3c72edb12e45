/**
 * The bytes of a content in order, each from a piece that was verified: those that are held are read from the cache, where they lie
 * in memory if they have just come, and the others are waited for. A reader has one buffer, and reads ahead as systems do with files: of
 * who reads on and on, twice as much is fetched ahead each time.
 */
import type { StoredContent } from "@piecework/cache/StoredContent"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import { Cause, Effect, Stream } from "effect"
import type { Span } from "./ByteRanges.ts"
import { type DownloadError, StorageError } from "./DownloadError.ts"
import type { Place, Readers } from "./Readers.ts"
import * as Storage from "./Storage.ts"

/** Bytes handed out at a time at most, and in the reader's buffer: a standard piece. */
const mostBytes = 1_048_576

/**
 * Pieces that are fetched first for a reader: the one it reads and the next at the beginning, twice as many with each piece that it
 * goes on, and no more than the scheduler looks at. 2, up to 32: half a second of a line of 1 Gbit/s.
 */
const firstAhead = 2
const mostAhead = 32

export interface Reading {
  readonly store: StoredContent
  readonly readers: Readers
  /** Where those are that read what was opened together, to be told when it fails. */
  readonly places: Set<Place>
  readonly span: Span
  /** Called before a piece is read or waited for, with what is to be fetched first from there on. */
  readonly onReading: (place: Place) => void
  /** Called when the piece is not here; whoever should see to it that somebody fetches it. */
  readonly onMissing: () => void
  /** Called with each piece of which bytes are handed out. */
  readonly onRead: (piece: PieceIndex) => void
}

export const stream = (reading: Reading): Stream.Stream<Uint8Array, DownloadError> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const place = yield* reading.readers.join
      yield* Effect.acquireRelease(
        Effect.sync(() => reading.places.add(place)),
        () => Effect.sync(() => reading.places.delete(place))
      )
      return Stream.fromPull(Effect.succeed(pull(reading, place)))
    })
  )

type Pulled = readonly [Uint8Array]

const pull = (
  { onMissing, onRead, onReading, readers, span, store }: Reading,
  place: Place
): Effect.Effect<Pulled, DownloadError | Cause.Done<void>> => {
  const { layout } = store.phf
  const last = Math.floor((span.end - 1) / layout.pieceSize)
  const buffer = new Uint8Array(Math.min(mostBytes, layout.pieceSize, span.end - span.start))
  let at = span.start
  let ahead = firstAhead
  /** The piece that was looked at last, -1 before the first. */
  let current = -1

  const enter = (piece: number) => {
    if (current >= 0) ahead = Math.min(mostAhead, ahead * 2)
    current = piece
    place.first = piece as PieceIndex
    place.count = Math.min(ahead, last - piece + 1)
    place.waits = false
    place.isHere = false
    onReading(place)
    readers.moved()
  }

  const wait = Effect.callback<void>((resume) => {
    const wake = () => {
      place.wake = undefined
      resume(Effect.void)
    }
    if (place.isHere || place.failure !== undefined) return wake()
    place.wake = wake
    return Effect.sync(() => void (place.wake = undefined))
  })

  /** The piece is held, or was a moment ago. */
  const isThere = (piece: PieceIndex) => place.isHere || readers.holds(piece)

  const read = (
    piece: PieceIndex,
    offset: number,
    target: Uint8Array,
    wasThere: boolean
  ): Effect.Effect<void, DownloadError> =>
    Effect.catchTags(store.read(piece, offset, target), {
      CacheError: (error) => Effect.fail(Storage.fromCache(error)),
      NotHeld: ({ message }) =>
        Effect.suspend(() => {
          if (place.failure !== undefined) return Effect.fail(place.failure)
          // Held a moment ago, and not after a second look either: the disk lost it.
          if (wasThere) return Effect.fail(new StorageError({ reason: "Failed", detail: message }))
          if (isThere(piece)) return read(piece, offset, target, true)
          if (!place.waits) readers.waits(place)
          onMissing()
          return Effect.andThen(
            wait,
            Effect.suspend(() => read(piece, offset, target, place.isHere))
          )
        })
    })

  return Effect.suspend((): Effect.Effect<Pulled, DownloadError | Cause.Done<void>> => {
    if (at >= span.end) return Cause.done()
    const piece = Math.floor(at / layout.pieceSize)
    if (piece !== current) enter(piece)
    const offset = at - piece * layout.pieceSize
    const length = Math.min(buffer.length, layout.length(piece as PieceIndex) - offset, span.end - at)
    const target = buffer.subarray(0, length)
    return Effect.map(read(piece as PieceIndex, offset, target, false), (): Pulled => {
      at += length
      // Those that still wait come before it now, however long it is busy.
      place.waits = false
      onRead(piece as PieceIndex)
      return [target]
    })
  })
}
