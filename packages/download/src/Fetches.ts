/**
 * The fetches of one download that are under way, a fiber each. What they deliver is verified and kept in fibers of its
 * own, so that a source never waits for a hash. Invariant: of a fetch that was taken back, or that was begun anew,
 * nothing is told any more but what became of its pieces.
 */
import type { StoredContent } from "@piecework/cache/StoredContent"
import * as Bitfield from "@piecework/domain/Bitfield"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import type { PieceBuffer } from "@piecework/hashing/BufferPool"
import { short } from "@piecework/ledger/Recorder"
import type { Event } from "@piecework/scheduler"
import type { PieceRun, PieceSource, SourceError, SourceId } from "@piecework/sources/PieceSource"
import { Cause, Effect, FiberMap, FiberSet, Option, type Scope } from "effect"
import { CurrentLedger } from "./CurrentLedger.ts"
import type { StorageError } from "./DownloadError.ts"
import type { Meter } from "./Meter.ts"
import * as Storage from "./Storage.ts"

/** An event without its time, which it gets when its turn comes. */
export type Happening = Event.Event extends infer E ? (E extends Event.Event ? Omit<E, "now"> : never) : never

/** What there is to tell, asked once its turn has come: by then it may be nothing. */
export type Turn = () => ReadonlyArray<Happening>

export interface FetchesOptions {
  readonly store: StoredContent
  /** The pieces that were held before the first fetch. */
  readonly held: Bitfield.Bitfield
  readonly meter: Meter
  readonly tell: (turn: Turn) => void
  /** The piece is verified and kept, and was not before. */
  readonly onKept?: ((piece: PieceIndex) => void) | undefined
  /** A source failed to deliver. */
  readonly onFailure: (source: PieceSource, error: SourceError) => void
  /** Pieces cannot be kept any more, so that the download cannot go on. */
  readonly onBroken: (cause: Cause.Cause<StorageError>) => Effect.Effect<void>
}

export interface Fetches {
  readonly start: (source: PieceSource, run: PieceRun) => void
  /** Does not wait: what the fetch says to its source in parting must not hold up the next decision. */
  readonly cancel: (source: SourceId, run: PieceRun) => void
  /** The same for all of the source's. */
  readonly cancelAll: (source: SourceId) => void
}

/** A fetch from its start until its last word was heard. */
interface Fetching {
  readonly source: SourceId
  isTakenBack: boolean
}

export const make = Effect.fnUntraced(function* (
  options: FetchesOptions
): Effect.fn.Return<Fetches, never, Scope.Scope> {
  const { store, meter, tell } = options
  const { layout } = store.phf
  const ledger = yield* CurrentLedger
  // Made before the fetches and so closed after them: a piece that is delivered to a closed set would keep its buffer.
  const runKeeper = yield* FiberSet.makeRuntime<never, void>()
  const fibers = yield* FiberMap.make<string, void>()
  const runFetch = yield* FiberMap.runtime(fibers)()
  const underWay = new Map<string, Fetching>()
  let held = options.held

  const keep = (source: PieceSource, piece: PieceIndex, buffer: PieceBuffer): Effect.Effect<void> =>
    store.put(piece, buffer.bytes).pipe(
      Effect.andThen(
        Effect.sync(() => {
          const isFirst = !Bitfield.has(held, piece)
          meter.kept(source.kind, layout.length(piece), isFirst)
          ledger.held(source.id, piece, isFirst)
          held = Bitfield.add(held, piece)
          tell(() => [{ _tag: "PieceHeld", source: source.id, piece }])
          if (isFirst) options.onKept?.(piece)
        })
      ),
      Effect.catchTags({
        PieceMismatch: () =>
          Effect.sync(() => {
            meter.bad(layout.length(piece))
            ledger.bad(source.id)
            tell(() => [{ _tag: "PieceBad", source: source.id, piece }])
          }),
        CacheError: (error) => options.onBroken(Cause.fail(Storage.fromCache(error)))
      }),
      // Otherwise the piece would count as being verified for ever.
      Effect.catchDefect((defect) => options.onBroken(Cause.die(defect))),
      Effect.ensuring(Effect.sync(buffer.release))
    )

  const fetch = (source: PieceSource, run: PieceRun, of: Fetching): Effect.Effect<void> => {
    const unlessTakenBack = (happening: Happening) => tell(() => (of.isTakenBack ? [] : [happening]))
    return source
      .fetch(run, layout, (piece, buffer) =>
        Effect.sync(() => {
          unlessTakenBack({ _tag: "PieceReceived", source: source.id, piece, bytes: layout.length(piece) })
          runKeeper(keep(source, piece, buffer))
        })
      )
      .pipe(
        Effect.catchTag("SourceError", (error) =>
          Effect.sync(() => {
            if (error.reason === "RangeIgnored") {
              ledger.note({ _tag: "WholeFiles", source: short(source.id, 256) })
              return unlessTakenBack({ _tag: "RangesIgnored", source: source.id, run })
            }
            options.onFailure(source, error)
            ledger.failed(source.id, error.reason, error.description)
            const { isFatal: fatal, reason, retryAfter } = error
            unlessTakenBack({ _tag: "FetchFailed", source: source.id, run, fatal, reason, retryAfter })
          })
        ),
        // A bug in one source must not leave its pieces waiting for ever.
        Effect.catchDefect((defect) =>
          Effect.map(Effect.logError("a source failed in an unforeseen way", defect), () =>
            unlessTakenBack({ _tag: "FetchFailed", source: source.id, run, fatal: true, reason: "Defect" })
          )
        )
      )
  }

  /** Nothing is told of the fetch any more. */
  const takeBack = (key: string) => {
    const fetching = underWay.get(key)
    if (fetching === undefined) return
    fetching.isTakenBack = true
    underWay.delete(key)
  }

  const cancel = (key: string) => {
    takeBack(key)
    Option.getOrUndefined(FiberMap.getUnsafe(fibers, key))?.interruptUnsafe()
  }

  return {
    start: (source, run) => {
      const key = keyOf(source.id, run)
      // Of the same run, asked of a session that another with the same peer has replaced.
      takeBack(key)
      const fetching: Fetching = { source: source.id, isTakenBack: false }
      underWay.set(key, fetching)
      const heard: Turn = () => {
        if (underWay.get(key) === fetching) underWay.delete(key)
        return []
      }
      runFetch(
        key,
        Effect.ensuring(
          fetch(source, run, fetching),
          Effect.sync(() => tell(heard))
        )
      )
    },
    cancel: (source, run) => cancel(keyOf(source, run)),
    cancelAll: (source) => {
      for (const [key, fetching] of new Map(underWay)) if (fetching.source === source) cancel(key)
    }
  }
})

const keyOf = (source: SourceId, run: PieceRun) => `${source} ${run.first}+${run.count}`
