/** A connection to a server, with what was read of it beyond what was wanted. */
import type { Flow } from "@piecework/shaping/Shaper"
import type { ByteStream, TransportError } from "@piecework/transport/ByteStream"
import { Effect, Exit, Scope } from "effect"
import { endOfHead, maxHeadBytes } from "./ResponseHead.ts"

/** Room for heads and chunk lines at first: more than all but a few heads take. */
const firstRoom = 16_384

/** Longest line before a chunk, and longest trailer line. */
const maxLine = 4096

export class Connection {
  /** Scheme, host and port. */
  readonly key: string
  readonly stream: ByteStream
  /** Holds what is read to the limits in force. */
  readonly flow: Flow
  /** Requests that were sent. */
  requests = 0
  private readonly scope: Scope.Closeable
  private buffer = new Uint8Array(firstRoom)
  private start = 0
  private end = 0
  private pulled = 0

  constructor(key: string, stream: ByteStream, flow: Flow, scope: Scope.Closeable) {
    this.key = key
    this.stream = stream
    this.flow = flow
    this.scope = scope
  }

  readonly close: Effect.Effect<void> = Effect.suspend(() => Scope.close(this.scope, Exit.void))

  /** Runs a fiber that ends with the connection. */
  fork<A, E>(effect: Effect.Effect<A, E>) {
    return Effect.forkIn(effect, this.scope, { startImmediately: true })
  }

  /** Bytes of the stream that were handed out so far. */
  get position(): number {
    return this.pulled - this.unread
  }

  /** Bytes that were read and not handed out. */
  get unread(): number {
    return this.end - this.start
  }

  /** Reads some more into the buffer, which has to have room; false at the end of the stream. */
  readonly more: Effect.Effect<boolean, TransportError> = Effect.suspend(() => {
    if (this.start === this.end) this.start = this.end = 0
    return Effect.map(this.stream.fill(this.buffer.subarray(this.end), 1), (length) => {
      this.pulled += length
      this.end += length
      return length > 0
    })
  })

  /** Fills `target` up to `atLeast` bytes or more with what was read already, then straight from the stream; short only at the end. */
  fill(target: Uint8Array, atLeast = target.length): Effect.Effect<number, TransportError> {
    const ready = Math.min(target.length, this.unread)
    if (ready > 0) target.set(this.buffer.subarray(this.start, this.start + ready))
    this.start += ready
    if (ready >= Math.min(target.length, atLeast)) return Effect.succeed(ready)
    return Effect.map(this.stream.fill(target.subarray(ready), atLeast - ready), (length) => {
      this.pulled += length
      return ready + length
    })
  }

  /** The bytes of a head, good until the next read; or why there is none. */
  readonly head: Effect.Effect<Uint8Array | "TooLong" | "Ended", TransportError> = Effect.gen(
    { self: this },
    function* () {
      let searched = 0
      while (true) {
        const end = endOfHead(this.buffer, this.start, this.end, this.start + searched)
        if (end !== -1) {
          const bytes = this.buffer.subarray(this.start, end)
          this.start = end
          return bytes.length > maxHeadBytes ? "TooLong" : bytes
        }
        if (this.unread >= maxHeadBytes) return "TooLong"
        searched = this.unread
        this.makeRoom()
        if (!(yield* this.more)) return "Ended"
      }
    }
  )

  /** A line of ASCII without its end, or why there is none. */
  readonly line: Effect.Effect<{ readonly text: string } | "TooLong" | "Ended", TransportError> = Effect.gen(
    { self: this },
    function* () {
      while (true) {
        const end = this.buffer.indexOf(10, this.start)
        if (end !== -1 && end < this.end) {
          const bytes = this.buffer.subarray(this.start, end)
          this.start = end + 1
          // Without its CR a line is malformed; the LF left in its text makes it so for every reader.
          const text = Buffer.from(bytes).toString("latin1")
          return { text: text.endsWith("\r") ? text.slice(0, -1) : `${text}\n` }
        }
        if (this.unread >= maxLine) return "TooLong"
        this.makeRoom()
        if (!(yield* this.more)) return "Ended"
      }
    }
  )

  /** Moves what is unread to the front, into a larger buffer when there is little room. */
  private makeRoom(): void {
    if (this.end < this.buffer.length) return
    const larger = this.unread > this.buffer.length / 2 ? new Uint8Array(this.buffer.length * 2) : this.buffer
    larger.set(this.buffer.subarray(this.start, this.end))
    this.end = this.unread
    this.start = 0
    this.buffer = larger
  }
}
