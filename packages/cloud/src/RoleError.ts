/** The failures that a role answers with, as opposed to those of the way to it. */
import { Schema } from "effect"
import { text } from "./Fields.ts"

/** The service does not have this content. */
export class ContentUnknown extends Schema.TaggedError<ContentUnknown>()("ContentUnknown", {
  /** The id or URL that was asked for. */
  content: text(4096)
}) {
  override get message(): string {
    return `The service does not know ${this.content}.`
  }
}

/** The service knows this content and hands it out no more, until somebody resumes it; who fetches or serves it is to stop. */
export class ContentHalted extends Schema.TaggedError<ContentHalted>()("ContentHalted", {
  /** The id or URL that was asked for. */
  content: text(4096)
}) {
  override get message(): string {
    return `The service has halted ${this.content}.`
  }
}

/** The service understood, and says no. */
export class RequestRefused extends Schema.TaggedError<RequestRefused>()("RequestRefused", {
  reason: Schema.Literals(["NoContentNamed", "Overloaded", "NotAllowed"])
}) {
  override get message(): string {
    switch (this.reason) {
      case "NoContentNamed":
        return "The request names no content: give its id or its URL."
      case "Overloaded":
        return "The service has more to do than it can."
      case "NotAllowed":
        return "The service does not allow this."
    }
  }
}
