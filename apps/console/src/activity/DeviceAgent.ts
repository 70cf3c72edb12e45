/** What the page asks the agent that it came from. */
import { ActivityPage } from "@piecework/client/ActivityPage"
import { Option, Schema } from "effect"
import { CallFailed, ofAnswer } from "../calls/CallFailed.ts"
import type { Question } from "../calls/useAsk.ts"
import * as Key from "./Key.ts"

/** What a person may do with a job. */
export const actions = ["pause", "resume", "abort", "finalize"] as const
export type Action = (typeof actions)[number]

const decodePage = Schema.decodeUnknownOption(ActivityPage)

const locked = new CallFailed({
  kind: "SignIn",
  sentence: "This page was not opened by you, or its agent was started again since.",
  advice: "Open it with: piecework activity"
})

const away = new CallFailed({
  kind: "Away",
  sentence: "The agent does not answer any more.",
  advice: "This page asks again by itself. piecework agent starts it, and piecework activity opens the new page."
})

const unintelligible = new CallFailed({
  kind: "Unintelligible",
  sentence: "What answers is no agent, or another version of one.",
  advice: "Open the page anew with: piecework activity"
})

const asked = async (method: "GET" | "POST", path: string, signal?: AbortSignal): Promise<unknown> => {
  const key = Key.current()
  if (key === undefined) throw locked
  let response: Response
  try {
    response = await fetch(path, {
      method,
      headers: { authorization: `Bearer ${key}` },
      redirect: "error",
      ...(signal === undefined ? {} : { signal })
    })
  } catch {
    signal?.throwIfAborted()
    throw away
  }
  const body: unknown = await response.json().catch(() => undefined)
  if (response.ok) return body
  if (response.status === 401) throw locked
  throw ofAnswer(response.status, body) ?? unintelligible
}

export const now: Question<ActivityPage> = {
  key: ["activity"],
  ask: async (signal) => {
    const page = decodePage(await asked("GET", "api/now", signal))
    if (Option.isNone(page)) throw unintelligible
    return page.value
  }
}

export const act = async (action: Action, job: string): Promise<void> => {
  await asked("POST", `api/jobs/${job}/${action}`)
}
