import { Schema } from "effect"

/** Some program could not be measured. */
export class BenchError extends Schema.TaggedError<BenchError>()("BenchError", {
  failures: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return this.failures.join("\n")
  }
}
