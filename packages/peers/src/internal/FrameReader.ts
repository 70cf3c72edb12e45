/**
 * Reads the messages of a session from its stream until it is stopped, in plain code that goes on whenever bytes come. What
 * has come is read at once and taken apart, so that a hundred short messages cost one turn. The data of a block goes on
 * straight from the stream to where the receiver wants it. Nothing is allocated for a length that was not checked.
 */
import type { PlainStream, TransportError } from "@piecework/transport/ByteStream"
import { Codec, Extension } from "@piecework/wire"
import { type Block, ids, type Message } from "@piecework/wire/Message"
import { Result } from "effect"
import type { Violation } from "../PeerError.ts"

export interface Receiver {
  /** Bytes that a bitfield of this content has. */
  readonly bitfieldLength: number
  /** A message came that is neither a `Piece` nor to be ignored; answers how it breaks the rules, if it does. */
  readonly message: (message: Message) => Violation | undefined
  /** A message of id 20 came that is short enough to be one of ours; what it is nobody looked at. */
  readonly extension: (payload: Uint8Array) => void
  /**
   * The data of a block comes: where it goes, "Skip" for nowhere, "Wait" when `place` will be called, or `undefined` when it
   * was not asked for.
   */
  readonly block: (block: Block) => Uint8Array | "Skip" | "Wait" | undefined
  /** The data of the block that `block` was called with is complete. */
  readonly blockDone: (block: Block) => void
  /** The peer broke the rules; nothing more is read. */
  readonly refused: (violation: Violation, cause?: unknown) => void
  /** The stream has ended or is broken. */
  readonly lost: (cause?: TransportError) => void
  /** The reader or the receiver has a bug: nobody else would learn of it, since no fiber runs here. */
  readonly died: (defect: unknown) => void
}

/** Bytes read at a time where they are not a block's. */
const readAhead = 65_536

/** A frame of which more has to come. */
interface Frame {
  /** What has to come: into this memory, so many bytes into none, or a block's into memory that is waited for. */
  missing: Uint8Array | number | Block
  /** All of it is there; answers how it breaks the rules, if it does. */
  readonly done: () => Violation | undefined
}

export class FrameReader {
  /** Whether a frame has begun to come and is not complete, and waits for the peer. */
  inFrame = false
  private readonly stream: PlainStream
  private readonly receiver: Receiver
  /** What has come and was not taken apart yet lies from `start` to `end`. */
  private readonly bytes = new Uint8Array(readAhead)
  private start = 0
  private end = 0
  private frame: Frame | undefined
  private isOver = false

  constructor(stream: PlainStream, receiver: Receiver) {
    this.stream = stream
    this.receiver = receiver
  }

  /** Begins to read. */
  run(): void {
    try {
      this.read()
    } catch (defect) {
      this.stop()
      this.receiver.died(defect)
    }
  }

  /** Reads no more, and touches no memory of blocks from now on. */
  stop(): void {
    this.isOver = true
    this.stream.forget(this.later)
  }

  /** Memory for the block that waits for it, or "Skip". */
  place(room: Uint8Array | "Skip"): void {
    const { frame } = this
    if (frame === undefined || !isBlock(frame.missing)) return
    this.inFrame = true
    frame.missing = this.rest(room, frame.missing.length)
    this.run()
  }

  /** Until more has to come, or memory. */
  private read(): void {
    while (!this.isOver) {
      this.frame ??= this.next()
      if (this.isOver) return
      const target = this.target()
      if (target === undefined) return
      const length = this.stream.fill(target, this.frame === undefined ? 1 : target.length, this.later)
      if (length === undefined) return
      this.filled(length)
    }
  }

  private readonly later = (length: number | TransportError): void => {
    if (this.isOver) return
    try {
      this.filled(length)
      this.read()
    } catch (defect) {
      this.stop()
      this.receiver.died(defect)
    }
  }

  /** Where the next bytes go; `undefined` while they have nowhere to go. */
  private target(): Uint8Array | undefined {
    const missing = this.frame?.missing
    if (missing instanceof Uint8Array) return missing
    // Nothing that was read ahead is left where more is to be skipped.
    if (typeof missing === "number") return this.bytes.subarray(0, Math.min(missing, readAhead))
    if (missing !== undefined) {
      this.inFrame = false
      return undefined
    }
    this.bytes.copyWithin(0, this.start, this.end)
    this.end -= this.start
    this.start = 0
    return this.bytes.subarray(this.end)
  }

  /** So many bytes came, or all that there will be. */
  private filled(length: number | TransportError): void {
    if (typeof length !== "number") return this.lose(length)
    const { frame } = this
    if (frame === undefined) {
      this.end += length
      return length === 0 ? this.lose() : undefined
    }
    const { missing } = frame
    if (typeof missing === "number" && missing > length && length === readAhead) frame.missing = missing - length
    else if (length < lengthOf(missing)) this.lose()
    else this.finish(frame)
  }

  private finish(frame: Frame): void {
    this.frame = undefined
    const violation = frame.done()
    if (violation !== undefined) this.refuse(violation)
  }

  /** Takes apart what is there: the frame of which more has to come, or `undefined` when that cannot be told yet. */
  private next(): Frame | undefined {
    while (!this.isOver) {
      const left = this.end - this.start
      this.inFrame = left > 0
      if (left < lengthBytes) return undefined
      const front = Codec.decodeHeader(this.bytes.subarray(this.start, this.start + lengthBytes))
      if (Result.isFailure(front)) return this.refuse("FrameTooLong", front.failure)
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
      this.start += begins
      const frame = kind === ids.bitfield ? this.bitfield(length - 1) : this.open(kind, payload, length)
      if (frame === undefined) continue
      if (lengthOf(frame.missing) > 0) return frame
      this.finish(frame)
    }
    return undefined
  }

  private bitfield(length: number): Frame | undefined {
    const { receiver } = this
    if (length !== receiver.bitfieldLength) return this.refuse("BadBitfield")
    const bytes = new Uint8Array(length)
    return { missing: this.rest(bytes, length), done: () => receiver.message({ _tag: "Bitfield", bytes }) }
  }

  /** The frame, unless it has no more than its numbers and is dealt with. */
  private open(kind: number, payload: Uint8Array, length: number): Frame | undefined {
    const { receiver } = this
    const decoded = Codec.decode(kind, payload, length)
    if (Result.isFailure(decoded)) return this.refuse("BadMessage", decoded.failure)
    const message = decoded.success
    switch (message._tag) {
      case "Piece": {
        const room = receiver.block(message)
        if (room === undefined) return this.refuse("BlockNotAsked")
        const missing = room === "Wait" ? message : this.rest(room, message.length)
        return { missing, done: () => void receiver.blockDone(message) }
      }
      case "Extension": {
        if (message.length > Extension.maxLength) return { missing: this.rest("Skip", message.length), done: nothing }
        const bytes = new Uint8Array(message.length)
        return { missing: this.rest(bytes, message.length), done: () => void receiver.extension(bytes) }
      }
      case "Unknown":
        return { missing: this.rest("Skip", message.length), done: nothing }
      default: {
        const violation = receiver.message(message)
        return violation === undefined ? undefined : this.refuse(violation)
      }
    }
  }

  /** Moves what is there of `length` bytes to its place; answers what has still to come. */
  private rest(room: Uint8Array | "Skip", length: number): Uint8Array | number {
    const here = Math.min(length, this.end - this.start)
    if (room !== "Skip") room.set(this.bytes.subarray(this.start, this.start + here))
    this.start += here
    return room === "Skip" ? length - here : room.subarray(here)
  }

  private refuse(violation: Violation, cause?: unknown): undefined {
    this.isOver = true
    this.receiver.refused(violation, cause)
  }

  private lose(cause?: TransportError): void {
    this.isOver = true
    this.receiver.lost(cause)
  }
}

/** Bytes of the number that a frame begins with. */
const lengthBytes = 4

const nothing = () => undefined

const isBlock = (missing: Frame["missing"]): missing is Block =>
  typeof missing === "object" && !(missing instanceof Uint8Array)

const lengthOf = (missing: Frame["missing"]): number => (typeof missing === "number" ? missing : missing.length)

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
