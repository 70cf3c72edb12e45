/**
 * A connection that carries pieces one way, over ports one after the other. What was asked for is sent in the order in
 * which it was asked. So many bytes may be on the way at a time, as TCP's window bounds it, so a receiver that is slow
 * holds its sender back and leaves the sender's plug to others.
 */
import type { PieceIndex, PieceLayout } from "@piecework/domain/PieceLayout"
import type { PieceRun, SourceId } from "@piecework/scheduler/Event"
import type { Chunk, Port, Sender } from "./Port.ts"

/** Bytes of a stream that may be on the way at a time, so that all have the same share of a receiver's plug. */
const window = 786_432

/** Bytes of a chunk that a line carries: small beside what each who shares it gets in a second. */
export const lineChunk = 32_768

/** Pieces that one client asked of one source, until they have come or were taken back. */
export interface Transfer {
  readonly source: SourceId
  readonly run: PieceRun
  /** Whom what arrives is told. */
  readonly arrived: (transfer: Transfer, bytes: number) => void
  /** The piece that is being sent, and its bytes that are on the way or there. */
  sending: number
  sent: number
  /** The piece that is coming in, and its bytes that are there. */
  coming: PieceIndex
  got: number
  /** Nobody waits for it any more: what still comes is waste. */
  isTakenBack: boolean
  /** The sender knows that. */
  isStopped: boolean
}

export const ask = (source: SourceId, run: PieceRun, arrived: Transfer["arrived"]): Transfer => ({
  source,
  run,
  arrived,
  sending: run.first,
  sent: 0,
  coming: run.first,
  got: 0,
  isTakenBack: false,
  isStopped: false
})

export class Stream implements Sender {
  readonly #layout: PieceLayout
  readonly #path: ReadonlyArray<Port>
  /** Bytes. */
  readonly #chunk: number
  readonly #transfers: Array<Transfer> = []
  #underWay = 0
  /** It is in the queue of its first port. */
  #isQueued = false

  constructor(layout: PieceLayout, path: ReadonlyArray<Port>, chunk: number) {
    this.#layout = layout
    this.#path = path
    this.#chunk = chunk
  }

  /** The request has come to the sender. */
  add(transfer: Transfer): void {
    if (transfer.isStopped) return
    this.#transfers.push(transfer)
    this.#wake()
  }

  /** The sender learns that the transfer was taken back: what it has begun to send still comes. */
  stop(transfer: Transfer): void {
    transfer.isStopped = true
    const place = this.#transfers.indexOf(transfer)
    if (place >= 0) this.#transfers.splice(place, 1)
  }

  isWaiting(): boolean {
    this.#isQueued = this.#transfers.length > 0 && this.#underWay < window
    return this.#isQueued
  }

  take(): Chunk | undefined {
    this.#isQueued = false
    const transfer = this.#transfers[0]
    if (transfer === undefined || this.#underWay >= window) return undefined
    const { run } = transfer
    const length = this.#layout.length(transfer.sending as PieceIndex)
    const bytes = Math.min(this.#chunk, length - transfer.sent)
    transfer.sent += bytes
    if (transfer.sent === length) {
      transfer.sending++
      transfer.sent = 0
      if (transfer.sending === run.first + run.count) this.#transfers.shift()
    }
    this.#underWay += bytes
    return new Hop(this, transfer, bytes)
  }

  /** The chunk has passed so many ports. */
  passed(chunk: Hop, ports: number): void {
    const port = this.#path[ports]
    if (port !== undefined) return port.enqueue(chunk)
    this.#underWay -= chunk.bytes
    this.#wake()
    chunk.transfer.arrived(chunk.transfer, chunk.bytes)
  }

  #wake(): void {
    if (this.#isQueued || this.#transfers.length === 0 || this.#underWay >= window) return
    this.#isQueued = true
    this.#path[0]?.enqueue(this)
  }
}

/** A chunk on its way through the ports of its stream. */
class Hop implements Chunk {
  readonly transfer: Transfer
  readonly bytes: number
  readonly #stream: Stream
  #ports = 0

  constructor(stream: Stream, transfer: Transfer, bytes: number) {
    this.#stream = stream
    this.transfer = transfer
    this.bytes = bytes
  }

  passed(): void {
    this.#stream.passed(this, ++this.#ports)
  }
}
