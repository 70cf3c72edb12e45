/**
 * What our own clients say to each other in messages of id 20, which others ignore: the sender of pieces asks for receipts,
 * and the receiver tells now and then how much of the stream has come and when. From that the sender knows how long its bytes
 * take on the way, and yields when they begin to wait. Who fetches and is traced says in which trace, so that what the other
 * serves hangs under it. A payload is `50 57` ("PW"), a `u8` kind, a `u8` of flags that later
 * versions may give a meaning, and what the kind has; numbers are big-endian, and bytes behind what is known here are ignored, so that later versions may add some.
 * Source of the layout: ours, docs/protocol.md.
 */
import { ids } from "./Message.ts"

/** Asks the other side for receipts, from now to the end of the session. */
export interface Wish {
  readonly _tag: "Wish"
}

/** How much has come, and when. */
export interface Receipt {
  readonly _tag: "Receipt"
  /** Bytes of this direction of the stream that have come since it began, its handshake among them; below 2⁵³. */
  readonly received: number
  /** When the last of them came by the receiver's clock, which may have any origin: microseconds, modulo 2³². */
  readonly at: number
  /** Microseconds from then until this was sent, at most 2³² − 1. */
  readonly held: number
}

/** In which trace this session is for its sender. Source: W3C Trace Context, the fields of `traceparent`. */
export interface Trace {
  readonly _tag: "Trace"
  /** 32 hexadecimal digits, not all 0. */
  readonly traceId: string
  /** 16 hexadecimal digits, not all 0. */
  readonly spanId: string
  /** Whether a collector is told of it. */
  readonly sampled: boolean
}

export type Extension = Wish | Receipt | Trace

/** Longest payload of these messages; longer ones are none of ours. */
export const maxLength = 64

/** Reads the payload of a message of id 20; `undefined` for one that is not of ours or makes no sense, to be ignored. */
export const decode = (payload: Uint8Array): Extension | undefined => {
  if (payload.length < headLength || payload.length > maxLength) return undefined
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
  if (view.getUint16(0) !== ours) return undefined
  switch (view.getUint8(2)) {
    case kinds.wish:
      return { _tag: "Wish" }
    case kinds.receipt: {
      if (payload.length < receiptLength) return undefined
      const high = view.getUint32(4)
      if (high >= mostHigh) return undefined
      return {
        _tag: "Receipt",
        received: high * 2 ** 32 + view.getUint32(8),
        at: view.getUint32(12),
        held: view.getUint32(16)
      }
    }
    case kinds.trace: {
      if (payload.length < traceLength) return undefined
      const traceId = hexOf(payload.subarray(headLength, spanAt))
      const spanId = hexOf(payload.subarray(spanAt, sampledAt))
      if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
      return { _tag: "Trace", traceId, spanId, sampled: (view.getUint8(sampledAt) & 1) === 1 }
    }
    default:
      return undefined
  }
}

/** The whole frame: length, id 20 and payload. */
export const encode = (message: Extension): Uint8Array => {
  const length = lengths[message._tag]
  const bytes = new Uint8Array(frameHead + length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, 1 + length)
  view.setUint8(4, ids.extension)
  view.setUint16(frameHead, ours)
  view.setUint8(frameHead + 2, kindOf[message._tag])
  if (message._tag === "Wish") return bytes
  if (message._tag === "Trace") {
    bytes.set(bytesOf(message.traceId), frameHead + headLength)
    bytes.set(bytesOf(message.spanId), frameHead + spanAt)
    view.setUint8(frameHead + sampledAt, message.sampled ? 1 : 0)
    return bytes
  }
  view.setUint32(frameHead + 4, Math.floor(message.received / 2 ** 32))
  view.setUint32(frameHead + 8, message.received % 2 ** 32)
  view.setUint32(frameHead + 12, message.at)
  view.setUint32(frameHead + 16, message.held)
  return bytes
}

/** "PW". */
const ours = 0x5057
const kinds = { wish: 1, receipt: 2, trace: 3 } as const
const kindOf = { Wish: kinds.wish, Receipt: kinds.receipt, Trace: kinds.trace } as const
/** Mark, kind and flags. */
const headLength = 4
const receiptLength = 20
/** Bytes of a trace's id and of a span's are 16 and 8. */
const spanAt = headLength + 16
const sampledAt = spanAt + 8
const traceLength = sampledAt + 1
const lengths = { Wish: headLength, Receipt: receiptLength, Trace: traceLength } as const
/** Length and id of a frame. */
const frameHead = 5
/** Values of 2⁵³ and more are no exact numbers here. */
const mostHigh = 2 ** 21

const hexOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")

const bytesOf = (hex: string): Uint8Array =>
  Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16))
