/** What the drives refuse. */
import { PieceIndex } from "@piecework/domain/PieceLayout"
import { Schema } from "effect"

export class ObjectError extends Schema.TaggedError<ObjectError>()("ObjectError", {
  /** Where it happened: a drive's folder, or the file's URL. */
  at: Schema.String,
  /** Full: no drive takes so many bytes, whatever leaves. TooLarge: none is as large. Failed: the system says `detail`. */
  reason: Schema.Literals(["Full", "TooLarge", "Failed"]),
  detail: Schema.String
}) {
  override get message(): string {
    switch (this.reason) {
      case "Full":
        return `No drive has room (${this.detail}): ${this.at} passes through without being kept.`
      case "TooLarge":
        return `${this.at} is larger than every drive may be (${this.detail}).`
      case "Failed":
        return `${this.at} cannot be used: ${this.detail}.`
    }
  }
}

/** The piece is not here, or not any more: what was there was found to be damaged. */
export class PieceMissing extends Schema.TaggedError<PieceMissing>()("PieceMissing", { piece: PieceIndex }) {
  override get message(): string {
    return `Piece ${this.piece} is not held.`
  }
}
