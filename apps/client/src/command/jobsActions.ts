/** What the commands of `piecework jobs` do. Loaded when one of them is wanted. */
import * as Agent from "@piecework/client/Agent"
import type { JobView } from "@piecework/client/JobView"
import * as Ending from "@piecework/terminal/Ending"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import { Effect, Stream } from "effect"
import { exitCodes } from "../ExitCode.ts"
import * as JobTable from "../view/JobTable.ts"
import type { Input } from "./anAgent.ts"
import { withAgent } from "./withAgent.ts"

interface Asked extends Input {
  readonly json: boolean
}

interface AskedOfJob extends Asked {
  readonly id: string
}

/** The one job whose id begins so. */
const chosen = Effect.fnUntraced(function* (text: string) {
  const agent = yield* Agent.Agent
  const jobs = yield* agent.enumerate()
  const found = jobs.filter((job) => job.id.startsWith(text.toLowerCase()))
  const [job, another] = found
  if (job !== undefined && another === undefined && text !== "") return job
  return yield* new Failure({
    sentence:
      job === undefined || text === ""
        ? `The agent has no job ${text}; piecework jobs list shows them.`
        : `${found.length} jobs begin with ${text}; give more of the id.`,
    code: job === undefined ? exitCodes.notFound : exitCodes.usage
  })
})

export const list = (input: Asked) =>
  Effect.gen(function* () {
    const jobs = yield* (yield* Agent.Agent).enumerate()
    const output = yield* Output
    yield* output.line(input.json ? JSON.stringify(jobs, null, 2) : JobTable.render(jobs))
  }).pipe(withAgent(input))

export const show = (input: AskedOfJob) =>
  Effect.gen(function* () {
    const agent = yield* Agent.Agent
    const job = yield* agent.status((yield* chosen(input.id)).id)
    const output = yield* Output
    yield* output.line(input.json ? JSON.stringify(job, null, 2) : JobTable.one(job))
  }).pipe(withAgent(input))

/** The calls, and what is said of one that was done. */
export const done = { pause: "Paused", resume: "Resumed", finalize: "Finalized", abort: "Aborted" } as const
export type Action = keyof typeof done

export const act = (name: Action, input: AskedOfJob) =>
  Effect.gen(function* () {
    const agent = yield* Agent.Agent
    const job = yield* chosen(input.id)
    yield* agent[name](job.id)
    const output = yield* Output
    yield* input.json ? output.line(JSON.stringify({ job: job.id })) : output.note(`${done[name]} ${job.id}.`)
  }).pipe(withAgent(input))

/** Until its file is there, or it is no more. */
export const watch = (input: AskedOfJob) =>
  Effect.gen(function* () {
    const agent = yield* Agent.Agent
    const output = yield* Output
    const job = yield* chosen(input.id)
    // Who ends it has seen what there was to see.
    yield* Ending.settled
    const isLine = output.isWatched && !input.json
    const tell = (seen: JobView) =>
      isLine ? output.redraw(JobTable.line(seen)) : output.line(input.json ? JSON.stringify(seen) : JobTable.line(seen))
    let last: JobView | undefined
    const seen = Stream.takeUntil(agent.watch(job.id), (now) => {
      last = now
      return now.state === "Transferred"
    })
    yield* Effect.ensuring(Stream.runForEach(seen, tell), isLine ? output.redraw("") : Effect.void)
    if (isLine && last !== undefined) yield* output.note(JobTable.line(last))
  }).pipe(withAgent(input))
