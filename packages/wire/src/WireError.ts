/** What is wrong with bytes that should have been a handshake or a message. Whoever sent them is not worth a second try. */
import { Schema } from "effect"

export class WireError extends Schema.TaggedError<WireError>()("WireError", {
  reason: Schema.Literals([
    /** The handshake does not begin with the length and name of this protocol. */
    "BadProtocolName",
    /** The frame says that it is longer than any message may be. */
    "TooLong",
    /** There are fewer bytes than the frame or the handshake needs. */
    "ShortFrame",
    /** A message of this id has another length. */
    "BadLength"
  ]),
  /** Bytes into the handshake or the frame where reading stopped. */
  offset: Schema.Natural
}) {
  override get message(): string {
    switch (this.reason) {
      case "BadProtocolName":
        return "The other side does not speak the Swarm protocol; something else listens there."
      case "TooLong":
        return "The other side announced a message longer than the protocol allows."
      case "ShortFrame":
        return `The message ends after ${this.offset} bytes, before it is complete.`
      case "BadLength":
        return `The message has a length that does not fit its kind (read up to byte ${this.offset}).`
    }
  }
}
