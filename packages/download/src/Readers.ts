/**
 * Who reads one content in this process. Downloads of one content take turns: one at a time conducts, and is told what all of them read,
 * so a reader gets its pieces also while another download has the turn. Plain state; whoever writes to it runs in this process.
 */
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import { Effect, Latch, type Scope, Semaphore } from "effect"
import type { Event } from "@piecework/scheduler"
import type { DownloadError } from "./DownloadError.ts"

/** Whoever has the turn. */
export interface Conductor {
  /** Who reads what is another than it was. */
  readonly changed: () => void
  /** The piece is held, as far as the conductor knows. */
  readonly holds: (piece: PieceIndex) => boolean
}

/** Where one reader is. */
export interface Place {
  /** The piece that it reads next. */
  first: PieceIndex
  /** Pieces from there on that are to be fetched before others; 0 before it reads. */
  count: number
  waits: boolean
  /** `first` came since the reader looked. */
  isHere: boolean
  /** Why it comes no more. */
  failure: DownloadError | undefined
  /** Set while it waits. */
  wake: (() => void) | undefined
}

export class Readers {
  readonly #places = new Set<Place>()
  readonly #turn = Semaphore.makeUnsafe(1)
  /** Open while a download waits for the turn. */
  readonly #awaited = Latch.makeUnsafe(false)
  /** Open while none does. */
  readonly #free = Latch.makeUnsafe(true)
  #waiting = 0
  #conductor: Conductor | undefined

  /** A place for a reader, as long as the scope lasts. */
  readonly join: Effect.Effect<Place, never, Scope.Scope> = Effect.acquireRelease(
    Effect.sync(() => {
      const place: Place = {
        first: 0 as PieceIndex,
        count: 0,
        waits: false,
        isHere: false,
        failure: undefined,
        wake: undefined
      }
      this.#places.add(place)
      return place
    }),
    (place) =>
      Effect.sync(() => {
        this.#places.delete(place)
        if (place.count > 0) this.moved()
      })
  )

  /** A reader is somewhere else than it was. */
  moved(): void {
    this.#conductor?.changed()
  }

  /** The reader waits for its piece from now on, after those that wait already. */
  waits(place: Place): void {
    place.waits = true
    this.#places.delete(place)
    this.#places.add(place)
    this.moved()
  }

  /** What is read, for the scheduler, which looks at so many readers: those that wait come first, in the order in which they began to. */
  runs(): ReadonlyArray<Event.ReadRun> {
    const [waiting, busy]: [Array<Event.ReadRun>, Array<Event.ReadRun>] = [[], []]
    for (const { count, first, waits } of this.#places) {
      if (count > 0) (waits ? waiting : busy).push({ first, count, waits })
    }
    return [...waiting, ...busy]
  }

  /** The piece is in the cache and verified. */
  kept(piece: PieceIndex): void {
    for (const place of this.#places) {
      if (place.first !== piece) continue
      place.isHere = true
      place.wake?.()
    }
  }

  holds(piece: PieceIndex): boolean {
    return this.#conductor?.holds(piece) === true
  }

  /** This one conducts from now on, in the place of another, until the scope closes. */
  conduct(conductor: Conductor): Effect.Effect<void, never, Scope.Scope> {
    return Effect.asVoid(
      Effect.acquireRelease(
        Effect.sync(() => {
          const before = this.#conductor
          this.#conductor = conductor
          before?.changed()
          conductor.changed()
        }),
        () =>
          Effect.sync(() => {
            if (this.#conductor === conductor) this.#conductor = undefined
          })
      )
    )
  }

  isConductedBy(conductor: Conductor): boolean {
    return this.#conductor === conductor
  }

  /** In turn with the other downloads of the content, which have something to do in any case. */
  inTurn<A, E, R>(download: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    const begin = Effect.sync(() => {
      this.#waiting++
      this.#awaited.openUnsafe()
      this.#free.closeUnsafe()
    })
    const end = Effect.sync(() => {
      this.#waiting--
      if (this.#waiting > 0) return
      this.#awaited.closeUnsafe()
      this.#free.openUnsafe()
    })
    return Effect.uninterruptibleMask((restore) =>
      Effect.andThen(
        begin,
        Effect.andThen(
          Effect.ensuring(restore(this.#turn.take(1)), end),
          Effect.ensuring(restore(download), this.#turn.release(1))
        )
      )
    )
  }

  /** The same for who only fetches what is read: gives up its turn when a download waits, which then fetches that, too. */
  meanwhile<A, E, R>(session: Effect.Effect<A, E, R>): Effect.Effect<A | void, E, R> {
    return Effect.andThen(this.#free.await, this.#turn.withPermit(Effect.raceFirst(session, this.#awaited.await)))
  }
}
