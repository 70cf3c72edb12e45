/**
 * Reads the messages of a session from its stream, forever. What has come is read at once and taken apart in plain code, so
 * that a hundred short messages cost one wait. The data of a block goes on straight from the stream to where the
 * receiver wants it. Nothing is allocated for a length that was not checked.
 */
import type { ByteStream, TransportError } from "@piecework/transport/ByteStream"
import { Codec } from "@piecework/wire"
import { type Block, ids, type Message } from "@piecework/wire/Message"
import { Effect, Result } from "effect"
import { PeerError, type Violation } from "../PeerError.ts"

export interface Receiver {
  /** Bytes that a bitfield of this content has. */
  readonly bitfieldLength: number
  /** A message came that is neither a `Piece` nor to be ignored; answers how it breaks the rules, if it does. */
  readonly message: (message: Message) => Violation | undefined
  /**
   * The data of a block comes: where it goes, "Skip" for nowhere, "Wait" when `room` will say that, or `undefined` when it
   * was not asked for.
   */
  readonly block: (block: Block) => Uint8Array | "Skip" | "Wait" | undefined
  /** Waits for memory for the block that `block` was called with last. */
  readonly room: (block: Block) => Effect.Effect<Uint8Array | "Skip">
  /** The data of the block that `block` was called with is complete. */
  readonly blockDone: (block: Block) => void
  /** Makes the error that ends the session. */
  readonly refuse: (violation: Violation, cause?: unknown) => PeerError
  readonly connectionLost: (cause?: TransportError) => PeerError
}

/** Bytes read at a time where they are not a block's. */
const readAhead = 65_536

/** The rest of a frame, which is more than has come. */
interface Rest {
  /** Where it goes; a number of bytes goes nowhere; "Wait": the receiver has to say. */
  readonly into: Uint8Array | number | "Wait"
  /** The block that it is, if it is one. */
  readonly block: Block | undefined
  /** All of it is there; answers why the session has to end, if it has to. */
  readonly done: () => PeerError | undefined
}

export class FrameReader {
  /** Whether a frame has begun to come and is not complete, and waits for the peer. */
  inFrame = false
  private readonly stream: ByteStream
  private readonly receiver: Receiver
  /** What has come and was not taken apart yet lies from `start` to `end`. */
  private readonly bytes = new Uint8Array(readAhead)
  private start = 0
  private end = 0

  constructor(stream: ByteStream, receiver: Receiver) {
    this.stream = stream
    this.receiver = receiver
  }

  get run(): Effect.Effect<never, PeerError> {
    const { receiver, stream } = this
    return Effect.gen({ self: this }, function* () {
      while (true) {
        const rest = this.next()
        if (rest instanceof PeerError) return yield* rest
        if (rest === undefined) {
          this.bytes.copyWithin(0, this.start, this.end)
          this.end -= this.start
          this.start = 0
          const length = yield* stream.fill(this.bytes.subarray(this.end), 1)
          if (length === 0) return yield* receiver.connectionLost()
          this.end += length
          continue
        }
        let { into } = rest
        if (into === "Wait" && rest.block !== undefined) {
          this.inFrame = false
          const room = yield* receiver.room(rest.block)
          this.inFrame = true
          into = room === "Skip" ? rest.block.length - this.drop(rest.block.length) : this.take(room)
        }
        if (typeof into === "number") yield* this.skip(into)
        else if (into !== "Wait" && into.length > 0 && (yield* stream.fill(into)) < into.length) {
          return yield* receiver.connectionLost()
        }
        const refusal = rest.done()
        if (refusal !== undefined) return yield* refusal
      }
    }).pipe(Effect.catchTag("TransportError", (cause) => Effect.fail(receiver.connectionLost(cause))))
  }

  /** Takes apart what is there; `undefined` when more has to come before anything can be said. */
  private next(): Rest | PeerError | undefined {
    while (true) {
      const left = this.end - this.start
      this.inFrame = left > 0
      if (left < lengthBytes) return undefined
      const front = Codec.decodeHeader(this.bytes.subarray(this.start, this.start + lengthBytes))
      if (Result.isFailure(front)) return this.receiver.refuse("FrameTooLong", front.failure)
      const { length } = front.success
      if (length === 0) {
        this.start += lengthBytes
        continue
      }
      if (left < lengthBytes + 1) return undefined
      const kind = this.bytes[this.start + lengthBytes] ?? 0
      const prefix = prefixLength(kind, length)
      const begins = lengthBytes + 1 + prefix
      if (left < begins) return undefined
      const payload = this.bytes.subarray(this.start + begins - prefix, this.start + begins)
      const rest = kind === ids.bitfield ? this.bitfield(length - 1, begins) : this.frame(kind, payload, length, begins)
      if (rest !== undefined) return rest
    }
  }

  private bitfield(length: number, begins: number): Rest | PeerError | undefined {
    const { receiver } = this
    if (length !== receiver.bitfieldLength) return receiver.refuse("BadBitfield")
    this.start += begins
    const bytes = new Uint8Array(length)
    return this.ended(this.take(bytes), undefined, () => {
      const violation = receiver.message({ _tag: "Bitfield", bytes })
      return violation === undefined ? undefined : receiver.refuse(violation)
    })
  }

  private frame(kind: number, payload: Uint8Array, length: number, begins: number): Rest | PeerError | undefined {
    const { receiver } = this
    const decoded = Codec.decode(kind, payload, length)
    if (Result.isFailure(decoded)) return receiver.refuse("BadMessage", decoded.failure)
    const message = decoded.success
    this.start += begins
    switch (message._tag) {
      case "Piece": {
        const target = receiver.block(message)
        if (target === undefined) return receiver.refuse("BlockNotAsked")
        const done = () => void receiver.blockDone(message)
        if (target === "Wait") return { into: target, block: message, done }
        const into = target === "Skip" ? message.length - this.drop(message.length) : this.take(target)
        return this.ended(into, message, done)
      }
      case "Extension":
      case "Unknown":
        return this.ended(message.length - this.drop(message.length), undefined, nothing)
      default: {
        const violation = receiver.message(message)
        return violation === undefined ? undefined : receiver.refuse(violation)
      }
    }
  }

  /** Ends the frame now if all of it was there. */
  private ended(into: Uint8Array | number, block: Block | undefined, done: Rest["done"]): Rest | PeerError | undefined {
    const isComplete = typeof into === "number" ? into === 0 : into.length === 0
    return isComplete ? done() : { into, block, done }
  }

  /** Moves what is there into the target; answers the part of it that is still to be filled. */
  private take(target: Uint8Array): Uint8Array {
    const length = Math.min(target.length, this.end - this.start)
    target.set(this.bytes.subarray(this.start, this.start + length))
    this.start += length
    return target.subarray(length)
  }

  /** Throws away up to so many bytes of what is there; answers how many. */
  private drop(most: number): number {
    const length = Math.min(most, this.end - this.start)
    this.start += length
    return length
  }

  /** Reads bytes that nobody wants; nothing that was read ahead may be left. */
  private skip(length: number): Effect.Effect<void, PeerError | TransportError> {
    const { bytes, receiver, stream } = this
    return Effect.gen(function* () {
      for (let left = length; left > 0; left -= bytes.length) {
        const part = bytes.subarray(0, Math.min(left, bytes.length))
        if ((yield* stream.fill(part)) < part.length) return yield* receiver.connectionLost()
      }
    })
  }
}

/** Bytes of the number that a frame begins with. */
const lengthBytes = 4

const nothing = () => undefined

/** Bytes behind the id that are numbers, if the length of the frame fits its kind; else 0, and decoding refuses it. */
const prefixLength = (kind: number, length: number): 0 | 4 | 8 | 12 => {
  switch (kind) {
    case ids.have:
      return length === 5 ? 4 : 0
    case ids.request:
    case ids.cancel:
      return length === 13 ? 12 : 0
    case ids.piece:
      return length >= 9 ? 8 : 0
    default:
      return 0
  }
}
