/**
 * The bytes of a part of a file in order, for one reader: out of the memory in which they arrive, which all its readers share, else
 * from the drive into a chunk of the reader's own. What is neither here nor on its way is asked for by being waited for.
 */
import type { PieceIndex, Span } from "@piecework/domain/PieceLayout"
import { Cause, Effect, Stream } from "effect"
import { FillError } from "../FillError.ts"
import * as FillPlan from "../FillPlan.ts"
import type { OpenFile, Place } from "./OpenFile.ts"
import { shown } from "./Shop.ts"

/** Bytes handed out at a time, at most and by default. */
const mostBytes = 1_048_576
const usualBytes = 262_144

/** How often a piece is fetched again that its drive takes and cannot read. */
const mostMisses = 2

export interface Reading {
  readonly file: OpenFile
  readonly part: Span
  readonly chunk: number | undefined
  /** Called when it begins. */
  readonly join: () => Place
  /** Called when the reader is gone; `isAll`: it has read the part to its end. */
  readonly leave: (place: Place, isAll: boolean) => void
}

type Pulled = readonly [Uint8Array]
type Pull = Effect.Effect<Pulled, FillError | Cause.Done<void>>

export const stream = (reading: Reading): Stream.Stream<Uint8Array, FillError> =>
  Stream.unwrap(
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => new Reader(reading)),
        (reader) => Effect.sync(reader.leave)
      ),
      (reader) => Stream.fromPull(Effect.succeed(reader.pull))
    )
  )

class Reader {
  private readonly reading: Reading
  private readonly place: Place
  private readonly end: number
  private readonly chunk: number
  private readonly memory
  private at: number
  /** The piece that it is in; -1 before the first. */
  private current = -1
  private misses = 0
  /** Ends the look at memory of others that was given to the reader. */
  private looked: (() => void) | undefined

  constructor(reading: Reading) {
    const { file, part } = reading
    this.reading = reading
    this.place = reading.join()
    this.at = Math.min(part.offset, file.facts.size)
    this.end = Math.min(part.offset + part.length, file.facts.size)
    this.chunk = Math.max(1, Math.min(mostBytes, reading.chunk ?? usualBytes))
    this.memory = file.shop.memory.join(Math.min(this.chunk, Math.max(1, this.end - this.at)))
  }

  readonly leave = (): void => {
    this.endLook()
    this.memory.leave()
    this.reading.leave(this.place, this.at >= this.end)
  }

  readonly pull: Pull = Effect.suspend((): Pull => {
    this.endLook()
    return this.at >= this.end ? Cause.done() : this.next()
  })

  private next(): Pull {
    const { place } = this
    const { file } = this.reading
    const { pieceSize } = file.layout
    const piece = Math.floor(this.at / pieceSize)
    if (piece !== this.current) this.enter(piece)
    const offset = this.at - piece * pieceSize
    const seen = file.changes
    const arrival = file.arrivals.get(piece)
    const here = arrival === undefined ? 0 : arrival.filled - offset
    if (arrival !== undefined && here > 0) {
      const wanted = Math.min(this.chunk, here, this.end - this.at)
      if (!file.shop.mayLook()) {
        const chunk = this.memory.chunk()
        const length = Math.min(wanted, chunk.length)
        chunk.set(arrival.bytes.subarray(offset, offset + length))
        return this.given(chunk, length)
      }
      this.looked = arrival.look()
      return this.given(arrival.bytes.subarray(offset), wanted)
    }
    if (arrival === undefined && file.isStored(piece)) return this.read(piece, offset)
    if (place.failure !== undefined) return Effect.fail(place.failure)
    if (file.isClosed) return Effect.fail(this.failed("its reading has ended"))
    if (file.over !== undefined && !file.isComing(piece)) return Effect.fail(file.over)
    if (arrival === undefined) file.look()
    return Effect.andThen(
      file.wait(piece, seen),
      Effect.suspend(() => this.next())
    )
  }

  /** From the drive. */
  private read(piece: number, offset: number): Pull {
    const { file } = this.reading
    const { stored } = file
    if (stored === undefined) return Effect.fail(this.failed("no drive holds it"))
    const chunk = this.memory.chunk()
    const length = Math.min(chunk.length, file.lengthOf(piece) - offset, this.end - this.at)
    const target = chunk.subarray(0, length)
    return Effect.matchEffect(stored.read(piece as PieceIndex, offset, target), {
      onSuccess: () => this.given(chunk, length),
      // What the drive lost is fetched again.
      onFailure: ({ message }): Pull => {
        if (++this.misses > mostMisses) return Effect.fail(this.failed(message.replace(/\.$/, "")))
        if (file.isStored(piece)) file.lose(piece)
        return this.next()
      }
    })
  }

  private given(bytes: Uint8Array, length: number): Effect.Effect<Pulled> {
    this.at += length
    return Effect.succeed([bytes.subarray(0, length)])
  }

  private enter(piece: number): void {
    const { place } = this
    const { file } = this.reading
    if (this.current >= 0) place.ahead = Math.min(FillPlan.mostAhead, place.ahead * 2)
    this.current = piece
    this.misses = 0
    place.at = piece
    file.moved()
  }

  private endLook(): void {
    const { looked } = this
    if (looked === undefined) return
    this.looked = undefined
    looked()
    this.reading.file.shop.spare()
  }

  private failed(detail: string): FillError {
    return new FillError({ url: shown(this.reading.file.url), reason: "Failed", detail })
  }
}
