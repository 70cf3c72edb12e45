/** A call that brought no answer, as a page can show it: what is the matter, and what to do. */
import { RequestRefused } from "@piecework/cloud/RoleError"
import { ServiceError } from "@piecework/cloud/HttpRpc"
import { Cause, Option, Schema } from "effect"

export class CallFailed extends Schema.TaggedError<CallFailed>()("CallFailed", {
  /** SignIn: somebody known is wanted. NotAllowed: whoever it is may not. Away and Busy may pass. Refused: the answer is no, with a reason. */
  kind: Schema.Literals(["SignIn", "NotAllowed", "Away", "Busy", "Refused", "Unintelligible"]),
  /** One clear sentence. */
  sentence: Schema.String,
  /** What to do about it; one more. */
  advice: Schema.String
}) {
  override get message(): string {
    return this.sentence
  }

  /** Whether asking again can help. */
  get mayPass(): boolean {
    return this.kind === "Away" || this.kind === "Busy"
  }
}

/** What services and agents answer beside a status when they do not what was asked. */
const decodeRefusal = Schema.decodeUnknownOption(
  Schema.Struct({ error: Schema.String.check(Schema.isMaxLength(8192)) })
)

/** An answer over plain HTTP that is no success; nothing when its body says no sentence. */
export const ofAnswer = (status: number, body: unknown): CallFailed | undefined =>
  Option.match(decodeRefusal(body), {
    onNone: () => undefined,
    onSome: ({ error }) => {
      const kind = status === 429 ? "Busy" : status >= 500 ? "Away" : "Refused"
      const advice = kind === "Refused" ? "Nothing was changed." : "This page asks again by itself."
      return new CallFailed({ kind, sentence: error, advice })
    }
  })

/** What a call ended with, in words. An error of the call's own says its sentence. */
export const of = (cause: Cause.Cause<unknown>): CallFailed => {
  const error = Cause.squash(cause)
  if (error instanceof CallFailed) return error
  if (error instanceof ServiceError) return ofWay(error)
  if (error instanceof RequestRefused) return error.reason === "NotAllowed" ? notAllowed : busy
  return error instanceof Error && isTagged(error)
    ? new CallFailed({ kind: "Refused", sentence: error.message, advice: "Nothing was changed." })
    : unintelligible
}

const isTagged = (error: Error): boolean => "_tag" in error && typeof error._tag === "string"

const ofWay = ({ reason, status }: ServiceError): CallFailed => {
  switch (reason) {
    case "TokenWanted":
      return new CallFailed({
        kind: "SignIn",
        sentence: "Nobody is signed in.",
        advice: "Sign in with an operator's token."
      })
    case "TokenRefused":
      return new CallFailed({
        kind: "SignIn",
        sentence: "The service does not accept this token.",
        advice: "It may be mistyped, revoked or over. piecework-service token create makes another one."
      })
    case "NotAllowed":
      return notAllowed
    case "TooMany":
      return busy
    case "Unintelligible":
      return unintelligible
    case "Unreachable":
    case "Untrusted":
    case "TimedOut":
      return new CallFailed({
        kind: "Away",
        sentence: reason === "TimedOut" ? "The service did not answer in time." : away(status),
        advice: "This page asks again by itself. piecework-service status tells what is the matter."
      })
  }
}

const away = (status: number | undefined): string =>
  status === undefined ? "The service cannot be reached." : `The service cannot answer at the moment (HTTP ${status}).`

const notAllowed = new CallFailed({
  kind: "NotAllowed",
  sentence: "This token does not allow that, or not over plain HTTP.",
  advice: "Reports and lists want a token with the scope read, over HTTPS or on the service's own machine."
})

const busy = new CallFailed({
  kind: "Busy",
  sentence: "The service has more to do than it can.",
  advice: "This page asks again by itself."
})

const unintelligible = new CallFailed({
  kind: "Unintelligible",
  sentence: "What answers is no Piecework service, or another version of one.",
  advice: "Reload the page; if that does not help, look at the service's version."
})
