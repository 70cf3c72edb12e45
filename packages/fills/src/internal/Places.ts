/**
 * Where readers of a file are, and were a moment ago: whoever asks for a part that begins where another ended reads on and on, as
 * clients do that fetch a file in parts, and the parts after it are fetched ahead for him.
 */
import * as FillPlan from "../FillPlan.ts"
import type { OpenFile, Place } from "./OpenFile.ts"

/** Where a reader ended. */
interface Trace {
  /** The byte after its last. */
  readonly end: number
  readonly place: Place
}

/** Traces that are kept of one file. */
const mostTraces = 16

export class Places {
  private readonly file: OpenFile
  private readonly traces = new Set<Trace>()

  constructor(file: OpenFile) {
    this.file = file
  }

  /** A place for somebody who is going to read the part. */
  join(offset: number, length: number): Place {
    const { at, until } = this.file.piecesOf(offset, length)
    const before = offset === 0 ? undefined : this.before(offset)
    const ahead = before === undefined ? FillPlan.firstAhead : Math.min(FillPlan.mostAhead, before.ahead * 2)
    const place: Place = { at, until, ahead, beyond: before === undefined ? 0 : ahead, failure: undefined }
    this.file.places.add(place)
    return place
  }

  /** Where the reader goes on with another part than it had said. */
  move(place: Place, offset: number, length: number): void {
    Object.assign(place, this.file.piecesOf(offset, length))
  }

  /** The reader left; `end` where it had read its part to its end. What it would read next still comes until `forget`. */
  leave(place: Place, end?: number): Trace | undefined {
    this.file.places.delete(place)
    const trace = end === undefined || place.failure !== undefined ? undefined : this.trace(place, end)
    this.file.moved()
    return trace
  }

  /** Nobody came after it. */
  forget(trace: Trace): void {
    if (!this.traces.delete(trace)) return
    this.file.places.delete(trace.place)
    this.file.moved()
  }

  private trace(place: Place, end: number): Trace {
    place.at = place.until
    const trace = { end, place }
    for (const oldest of this.traces) {
      if (this.traces.size < mostTraces) break
      this.traces.delete(oldest)
      this.file.places.delete(oldest.place)
    }
    this.traces.add(trace)
    this.file.places.add(place)
    return trace
  }

  /** Who ended where the part begins, or less than a piece before it. */
  private before(offset: number): Place | undefined {
    for (const trace of this.traces) {
      if (trace.end > offset || offset - trace.end >= this.file.layout.pieceSize) continue
      this.traces.delete(trace)
      this.file.places.delete(trace.place)
      return trace.place
    }
    return undefined
  }
}
