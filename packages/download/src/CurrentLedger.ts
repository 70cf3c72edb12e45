/** Who collects what the download decides in which this runs: whoever decides says so, in a line. Without one nothing is kept. */
import { type Recorder, short, silent } from "@piecework/ledger/Recorder"
import type { CloudError } from "@piecework/cloud/CloudError"
import { Context, Result } from "effect"

export const CurrentLedger = Context.Reference<Recorder>("@piecework/download/CurrentLedger", {
  defaultValue: () => silent
})

/** What became of asking a service, as an entry has it. */
export const answerOf = (asked: Result.Result<unknown, CloudError>) =>
  Result.isSuccess(asked)
    ? { answer: "Answered" }
    : { answer: asked.failure.reason, detail: short(asked.failure.message) }
