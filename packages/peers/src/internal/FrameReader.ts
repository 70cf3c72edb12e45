/**
 * Reads the messages of a session from its stream, forever. Blocks go straight from the stream to where the receiver
 * wants them; everything else fits a small buffer. Nothing is allocated for a length that was not checked.
 */
import type { ByteStream, TransportError } from "@piecework/transport/ByteStream"
import { Codec } from "@piecework/wire"
import { type Block, ids, type Message } from "@piecework/wire/Message"
import { Effect, Result } from "effect"
import type { PeerError, Violation } from "../PeerError.ts"

export interface Receiver {
  /** Bytes that a bitfield of this content has. */
  readonly bitfieldLength: number
  /** A message came that is neither a `Piece` nor to be ignored; answers how it breaks the rules, if it does. */
  readonly message: (message: Message) => Violation | undefined
  /** The data of a block comes: where it goes, "Skip" for nowhere, or `undefined` when it was not asked for. */
  readonly block: (block: Block) => Uint8Array | "Skip" | undefined
  /** The data of the block that `block` was called with is complete. */
  readonly blockDone: (block: Block) => void
  /** Makes the error that ends the session. */
  readonly refuse: (violation: Violation, cause?: unknown) => PeerError
  readonly connectionLost: (cause?: TransportError) => PeerError
}

/** Bytes that are thrown away in one go. */
const scratchLength = 65_536

export class FrameReader {
  /** Whether a frame has begun to come and is not complete. */
  inFrame = false
  private readonly stream: ByteStream
  private readonly receiver: Receiver
  private scratch: Uint8Array | undefined

  constructor(stream: ByteStream, receiver: Receiver) {
    this.stream = stream
    this.receiver = receiver
  }

  get run(): Effect.Effect<never, PeerError> {
    const { receiver, stream } = this
    const fill = (target: Uint8Array) =>
      Effect.flatMap(stream.fill(target), (n) =>
        n === target.length ? Effect.void : Effect.fail(receiver.connectionLost())
      )
    const header = new Uint8Array(4)
    const id = new Uint8Array(1)
    const words = { 0: new Uint8Array(0), 4: new Uint8Array(4), 8: new Uint8Array(8), 12: new Uint8Array(12) }

    return Effect.gen({ self: this }, function* () {
      while (true) {
        this.inFrame = false
        yield* fill(header)
        this.inFrame = true
        const front = Codec.decodeHeader(header)
        if (Result.isFailure(front)) return yield* receiver.refuse("FrameTooLong", front.failure)
        const { length } = front.success
        if (length === 0) continue
        yield* fill(id)
        const kind = id[0] ?? 0

        if (kind === ids.bitfield) {
          if (length - 1 !== receiver.bitfieldLength) return yield* receiver.refuse("BadBitfield")
          const bytes = new Uint8Array(length - 1)
          if (bytes.length > 0) yield* fill(bytes)
          const violation = receiver.message({ _tag: "Bitfield", bytes })
          if (violation !== undefined) return yield* receiver.refuse(violation)
          continue
        }

        const payload = words[prefixLength(kind, length)]
        if (payload.length > 0) yield* fill(payload)
        const decoded = Codec.decode(kind, payload, length)
        if (Result.isFailure(decoded)) return yield* receiver.refuse("BadMessage", decoded.failure)
        const message = decoded.success
        switch (message._tag) {
          case "Piece": {
            const target = receiver.block(message)
            if (target === undefined) return yield* receiver.refuse("BlockNotAsked")
            if (target === "Skip") yield* this.skip(message.length, fill)
            else yield* fill(target)
            receiver.blockDone(message)
            break
          }
          case "Extension":
          case "Unknown":
            yield* this.skip(message.length, fill)
            break
          default: {
            const violation = receiver.message(message)
            if (violation !== undefined) return yield* receiver.refuse(violation)
          }
        }
      }
    }).pipe(Effect.catchTag("TransportError", (cause) => Effect.fail(receiver.connectionLost(cause))))
  }

  private skip<E>(length: number, fill: (target: Uint8Array) => Effect.Effect<void, E>): Effect.Effect<void, E> {
    this.scratch ??= new Uint8Array(scratchLength)
    const scratch = this.scratch
    return Effect.gen(function* () {
      for (let left = length; left > 0; left -= scratchLength) {
        yield* fill(left >= scratchLength ? scratch : scratch.subarray(0, left))
      }
    })
  }
}

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
