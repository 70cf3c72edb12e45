/**
 * Messages to bytes and back. A frame is a big-endian `u32` length, a `u8` id and a payload; the length counts the id
 * but not itself, and length 0 is a keep-alive. Numbers inside are big-endian `u32`. Reading goes in two steps, so
 * that a reader knows what follows before it makes room for it: `decodeHeader`, then `decode`. Source: spec.md §6.
 */
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import { Result } from "effect"
import { type Block, ids, type Message } from "./Message.ts"
import { WireError } from "./WireError.ts"

/** Largest value of a frame's length field. Source: spec.md §6, 0x1F4000. */
export const maxFrameLength = 2_048_000

/** Bytes of a frame before the data of a `Piece`: length, id, piece, offset. */
export const pieceHeaderLength = 13

/** Most bytes that one `Piece` can carry. */
export const maxBlockLength = maxFrameLength - (pieceHeaderLength - 4)

/** The front of a frame. */
export interface FrameHeader {
  /** `undefined` for a keep-alive, and when the header was given without its fifth byte. */
  readonly id: number | undefined
  /** The frame's length field: bytes that follow it, the id among them. */
  readonly length: number
}

/** Reads the length, and the id if there is a fifth byte and the frame is no keep-alive. */
export const decodeHeader = (bytes: Uint8Array): Result.Result<FrameHeader, WireError> => {
  if (bytes.length < 4) return fail("ShortFrame", bytes.length)
  const length = readU32(bytes, 0)
  if (length > maxFrameLength) return fail("TooLong", 0)
  return Result.succeed({ id: length === 0 ? undefined : bytes[4], length })
}

/**
 * Reads a message from its id and the payload behind it. `length` is the frame's length field, 1 + `payload.length` if
 * left out; for a `Piece` the first 8 bytes of the payload are enough. A bitfield's bytes stay those of `payload`.
 */
export const decode = (
  id: number,
  payload: Uint8Array,
  length: number = 1 + payload.length
): Result.Result<Message, WireError> => {
  if (length > maxFrameLength) return fail("TooLong", 0)
  const needed = payloadLengths[id]
  if (needed !== undefined && (id === ids.piece ? length - 1 < needed : length - 1 !== needed)) {
    return fail("BadLength", headerLength)
  }
  if (payload.length < (needed ?? (id === ids.bitfield ? length - 1 : 0))) {
    return fail("ShortFrame", headerLength + payload.length)
  }
  switch (id) {
    case ids.choke:
      return choke
    case ids.unchoke:
      return unchoke
    case ids.interested:
      return interested
    case ids.notInterested:
      return notInterested
    case ids.have:
      return Result.succeed({ _tag: "Have", piece: readU32(payload, 0) as PieceIndex })
    case ids.bitfield:
      return Result.succeed({ _tag: "Bitfield", bytes: payload.subarray(0, length - 1) })
    case ids.request:
      return Result.succeed(block("Request", payload, readU32(payload, 8)))
    case ids.piece:
      return Result.succeed(block("Piece", payload, length - 9))
    case ids.cancel:
      return Result.succeed(block("Cancel", payload, readU32(payload, 8)))
    case ids.extension:
      return Result.succeed({ _tag: "Extension", length: length - 1 })
    default:
      return Result.succeed({ _tag: "Unknown", id, length: length - 1 })
  }
}

/** The bytes of a message; of a `Piece`, an `Extension` and an `Unknown` those before its data. */
export const encode = (message: Message): Uint8Array => {
  switch (message._tag) {
    case "KeepAlive":
      return new Uint8Array(4)
    case "Choke":
      return frame(ids.choke, 0, 0)
    case "Unchoke":
      return frame(ids.unchoke, 0, 0)
    case "Interested":
      return frame(ids.interested, 0, 0)
    case "NotInterested":
      return frame(ids.notInterested, 0, 0)
    case "Have": {
      const bytes = frame(ids.have, 4, 4)
      writeU32(bytes, 5, message.piece)
      return bytes
    }
    case "Bitfield": {
      const bytes = frame(ids.bitfield, message.bytes.length, message.bytes.length)
      bytes.set(message.bytes, headerLength)
      return bytes
    }
    case "Request":
      return blockFrame(ids.request, message)
    case "Cancel":
      return blockFrame(ids.cancel, message)
    case "Piece": {
      const bytes = new Uint8Array(pieceHeaderLength)
      writePieceHeader(bytes, message)
      return bytes
    }
    case "Extension":
      return frame(ids.extension, message.length, 0)
    case "Unknown":
      return frame(message.id, message.length, 0)
  }
}

/** Writes the front of a `Piece` into the first 13 bytes of `target`, so that header and data can lie in one buffer. */
export const writePieceHeader = (target: Uint8Array, answered: Block): void => {
  writeU32(target, 0, pieceHeaderLength - 4 + answered.length)
  target[4] = ids.piece
  writeU32(target, 5, answered.piece)
  writeU32(target, 9, answered.offset)
}

/** Bytes of a frame before its payload. */
const headerLength = 5

/** Payload bytes by id; for `piece` the least. Ids that are not here may have any. */
const payloadLengths: { readonly [id: number]: number } = {
  [ids.choke]: 0,
  [ids.unchoke]: 0,
  [ids.interested]: 0,
  [ids.notInterested]: 0,
  [ids.have]: 4,
  [ids.request]: 12,
  [ids.piece]: 8,
  [ids.cancel]: 12
}

const choke = Result.succeed<Message>({ _tag: "Choke" })
const unchoke = Result.succeed<Message>({ _tag: "Unchoke" })
const interested = Result.succeed<Message>({ _tag: "Interested" })
const notInterested = Result.succeed<Message>({ _tag: "NotInterested" })

const block = <Tag extends "Request" | "Piece" | "Cancel">(_tag: Tag, payload: Uint8Array, length: number) => ({
  _tag,
  piece: readU32(payload, 0) as PieceIndex,
  offset: readU32(payload, 4),
  length
})

/** A frame whose length field counts `payloadLength` bytes, with room for `present` of them. */
const frame = (id: number, payloadLength: number, present: number): Uint8Array => {
  const bytes = new Uint8Array(headerLength + present)
  writeU32(bytes, 0, 1 + payloadLength)
  bytes[4] = id
  return bytes
}

const blockFrame = (id: number, asked: Block): Uint8Array => {
  const bytes = frame(id, 12, 12)
  writeU32(bytes, 5, asked.piece)
  writeU32(bytes, 9, asked.offset)
  writeU32(bytes, 13, asked.length)
  return bytes
}

const readU32 = (bytes: Uint8Array, at: number): number =>
  (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0

const writeU32 = (bytes: Uint8Array, at: number, value: number): void => {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

const fail = (reason: WireError["reason"], offset: number) => Result.fail(new WireError({ reason, offset }))
