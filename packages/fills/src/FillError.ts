/** Why a file cannot be had. */
import { Schema } from "effect"

export class FillError extends Schema.TaggedError<FillError>()("FillError", {
  url: Schema.String,
  reason: Schema.Literals([
    /** No server of the file, parents included, answers. */
    "Unreachable",
    /** It did not answer in time, or stopped sending. */
    "TimedOut",
    /** What it says makes no sense: lengths, ranges, encodings. */
    "BadAnswer",
    /** Its server has another file now; what was read so far is of the old one. */
    "Changed",
    /** The reading goes on elsewhere: see `Filled.surrender`. */
    "Surrendered",
    "Failed"
  ]),
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.url} could not be had: ${this.detail}.`
  }
}
