/** One download by the agent of this device, from the first call to the file in its place. */
import { Duration, Effect, Option, Stream } from "effect"
import * as Agent from "./Agent.ts"
import { AgentLost, type AgentNotFound, type OptionsError } from "./AgentError.ts"
import * as AgentLink from "./AgentLink.ts"
import type { JobView } from "./JobView.ts"
import type { Outcome } from "./Transfer.ts"
import * as Wish from "./Wish.ts"

export interface DownloadOptions extends Wish.DownloadWish {
  /** Hears how it goes, `progressEvery` and whenever its state changes. */
  readonly onProgress?: ((job: JobView) => void) | undefined
  /** From 100 ms on; default 1 second, a number is milliseconds. */
  readonly progressEvery?: Duration.Input | undefined
  /** The agent's socket. Default: the one that is found; see `AgentPlace`. */
  readonly socket?: string | undefined
}

export type DownloadError = AgentNotFound | OptionsError | Agent.CallError

/**
 * Fetches the file and answers where its bytes came from. Interrupted, it aborts the job; so does the end of this process. An `Agent` or an
 * `AgentLink` in the context is used, else a connection is made.
 */
export const download = (url: string | URL, options: DownloadOptions = {}): Effect.Effect<Outcome, DownloadError> =>
  Effect.scoped(run(url, options))

const run = Effect.fn("Piecework.download")(function* (url: string | URL, options: DownloadOptions) {
  const { onProgress, progressEvery, socket } = options
  const job = yield* Wish.job(url, options)
  const ranges = yield* Wish.parts(options)
  const agent = yield* agentFor(socket)
  if (onProgress === undefined) return yield* agent.fetch(job, ranges)
  let outcome: Outcome | undefined
  const everyMillis = progressEvery === undefined ? undefined : millis(progressEvery)
  // Nothing comes behind the end, so nobody waits for more.
  const events = Stream.takeUntil(agent.download(job, { ranges, everyMillis }), ({ _tag }) => _tag === "Done")
  yield* Stream.runForEach(events, (event) =>
    Effect.sync(() => {
      if (event._tag === "Going") onProgress(event.job)
      if (event._tag === "Done") outcome = event.outcome
    })
  )
  return outcome ?? (yield* new AgentLost({ cause: "the agent said no end" }))
})

const millis = (span: Duration.Input): number =>
  Option.match(Duration.fromInput(span), {
    onNone: () => 1000,
    onSome: (duration) => Math.min(600_000, Math.max(100, Math.round(Duration.toMillis(duration))))
  })

/** An agent for as long as the scope lasts. */
export const agentFor = Effect.fnUntraced(function* (socket: string | undefined) {
  const given = yield* Effect.serviceOption(Agent.Agent)
  if (socket === undefined && Option.isSome(given)) return given.value
  const link = yield* Effect.serviceOption(AgentLink.AgentLink)
  const way =
    socket === undefined && Option.isSome(link) ? link.value : AgentLink.of(socket === undefined ? undefined : [socket])
  return yield* Effect.provideService(Agent.make, AgentLink.AgentLink, way)
})
