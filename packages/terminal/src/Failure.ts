/** The end of a command in trouble: one sentence on standard error and an exit code, and nothing else. */
import { Runtime, Schema } from "effect"

export class Failure extends Schema.TaggedError<Failure>()("Failure", {
  sentence: Schema.String,
  code: Schema.Int
}) {
  override readonly [Runtime.errorExitCode]: number = this.code
  /** The command said it already. */
  override readonly [Runtime.errorReported] = false
  override get message(): string {
    return this.sentence
  }
}
