/**
 * Two-way streams of bytes that are read into memory which the reader names, so that bulk data can go from the
 * kernel to where it is wanted without a copy and without an allocation.
 */
import { type PeerAddress } from "@piecework/domain/Peer"
import { type Effect, Schema } from "effect"

/** A connection could not be made, or a stream broke. */
export class TransportError extends Schema.TaggedError<TransportError>()("TransportError", {
  operation: Schema.Literals(["dial", "listen", "read", "write"]),
  /** The other side, or for `listen` the own one: `host:port`. */
  address: Schema.String,
  reason: Schema.Literals([
    /** Nobody listens there. */
    "Refused",
    /** The name has no address. */
    "Unresolved",
    /** No way leads to the address. */
    "Unreachable",
    /** No answer in time. */
    "TimedOut",
    /** The other side broke the connection off. */
    "Reset",
    /** The stream was closed, by us or in an orderly way by the other side. */
    "Closed",
    /** The port is taken. */
    "InUse",
    /** The system does not allow it. */
    "Denied",
    /** The encrypted connection could not be set up: certificate, name or protocol. */
    "TlsFailed",
    /** The name leads to an address that the caller does not want. */
    "Barred",
    /** The server in between does not let us through. */
    "NotLetThrough",
    "Failed"
  ]),
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    const at = this.address
    switch (this.reason) {
      case "Refused":
        return `Nobody accepts connections at ${at}; is the program there running?`
      case "Unresolved":
        return `The host name of ${at} could not be resolved; check its spelling and the name server.`
      case "Unreachable":
        return `There is no route to ${at}; check the network.`
      case "TimedOut":
        return `${at} did not answer in time.`
      case "Reset":
        return `${at} broke the connection off.`
      case "Closed":
        return `The connection with ${at} is closed.`
      case "InUse":
        return `The address ${at} is taken by another program; choose another port.`
      case "Denied":
        return `The system does not allow this program to use ${at}.`
      case "TlsFailed":
        return `No secure connection with ${at} could be set up${describe(this.cause)}.`
      case "Barred":
        return `The host name of ${at} leads to an address that must not be used here${describe(this.cause)}.`
      case "NotLetThrough":
        return `The server between here and there, ${at}, does not let us through${describe(this.cause)}.`
      case "Failed":
        return `The connection with ${at} failed${describe(this.cause)}.`
    }
  }
}

const describe = (cause: unknown): string => (cause instanceof Error ? ` (${cause.message})` : "")

export interface ByteStream {
  readonly remote: PeerAddress
  readonly local: PeerAddress
  /**
   * Waits until `target` holds at least `atLeast` bytes (default: all of it; at least 1) and answers how many it holds.
   * Fewer than `atLeast` only when the other side ended; 0 for every fill after that. The kernel reads straight into
   * large targets; small ones are served from a read-ahead of 64 KiB. While nobody fills and the read-ahead is full,
   * nothing is read, so the other side is held back. One reader at a time.
   *
   * Interrupting loses no bytes: what the fill had put into `target` comes again with the next fill, and nothing is
   * written to `target` any more. Fails with `Closed` once the stream's scope is closed.
   */
  readonly fill: (target: Uint8Array, atLeast?: number) => Effect.Effect<number, TransportError>
  /**
   * Writes all parts in order. Done once the system has taken them, so the memory may be used again. One writer at a
   * time. Interrupting it while bytes are left breaks the stream, since the other side would see half a message.
   */
  readonly write: (parts: ReadonlyArray<Uint8Array>) => Effect.Effect<void, TransportError>
  /** Ends our direction; the other side reads to the end. Further writes fail with `Closed`. */
  readonly end: Effect.Effect<void>
  /**
   * From now on the valve says how much is read from the system, or nobody does; to be called again when a valve that had no
   * room has some. What the system had taken in before and the reader did not read comes at once, whatever the valve says.
   */
  readonly regulate: (valve: Valve | undefined) => void
  /** Live counters in bytes; `received` includes what was read ahead. */
  readonly counters: { readonly received: number; readonly sent: number }
  /** `fill` and `write` for plain code. Both kinds of calls may be used in turn. */
  readonly plain: PlainStream
}

/**
 * Who holds a stream's reading back. It is asked before each read, so that the system's own buffer fills up and the other side
 * is told to wait; reading less than what was read already does not slow anybody down.
 */
export interface Valve {
  /** Bytes that may be read now. After 0 the stream reads nothing until `regulate` is called again. */
  readonly room: () => number
  /** While there is no room: bytes that there will be room for, since memory is chosen before. At least 1. */
  readonly next: () => number
  /** So many have come; a few more than there was room for, when the memory had been lent before. */
  readonly came: (bytes: number) => void
}

/**
 * Reading and writing without a fiber that waits: for many short messages, where waking one costs more than the message.
 * Each call answers at once when it can. Where it cannot it answers `undefined`, and `later` is told once, after the call.
 * Whoever lets go of the memory while `later` is still to come has to take a fill back or to close the stream.
 */
export interface PlainStream {
  /** As `ByteStream.fill`; answers how many bytes `target` holds. Throws while another fill waits. */
  readonly fill: (target: Uint8Array, atLeast: number, later: Later<number>) => number | TransportError | undefined
  /** Takes back the fill that `later` waits for, as interrupting does; nothing where it has been told. */
  readonly forget: (later: Later<number>) => void
  /** As `ByteStream.write`; `true` once the system has taken everything. Throws while another write waits. */
  readonly write: (parts: ReadonlyArray<Uint8Array>, later: Later<true>) => true | TransportError | undefined
  /**
   * Calls the listener whenever bytes have come, before a fill gets them, with how many have come since the stream began: in
   * the middle of the stream's step, so the listener does nothing but remember. One listener, the last one.
   */
  readonly onArrival: (listener: (received: number) => void) => void
}

export type Later<A> = (result: A | TransportError) => void
