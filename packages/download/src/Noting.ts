/** Notes down how much of a content peers were sent, so that the figure outlives the process. */
import type { ContentId } from "@piecework/domain/Content"
import { Effect, Schedule, type Scope, Semaphore } from "effect"
import { Records } from "./Records.ts"

export interface Noting {
  /** Adds to the content's record what was sent since the last time; what it cannot note now it notes later. */
  readonly note: Effect.Effect<void>
}

/** `sent` is a live counter, in bytes. */
export const make = Effect.fnUntraced(function* (
  contentId: ContentId,
  sent: () => number
): Effect.fn.Return<Noting, never, Records> {
  const records = yield* Records
  const turn = yield* Semaphore.make(1)
  let noted = 0
  const note = Effect.gen(function* () {
    const sum = sent()
    if (sum > noted && (yield* records.addSent(contentId, sum - noted))) noted = sum
  })
  return {
    note: turn.withPermit(note).pipe(Effect.catch((error) => Effect.logWarning(error.message)))
  }
})

/** How often what was sent is noted down: so much is lost when the process is killed. */
const noteEvery = "1 minute"

/** Notes from time to time, and a last time when the scope closes. */
export const keepUp = Effect.fnUntraced(function* (noting: Noting): Effect.fn.Return<void, never, Scope.Scope> {
  yield* Effect.addFinalizer(() => noting.note)
  yield* Effect.forkScoped(Effect.repeat(noting.note, Schedule.spaced(noteEvery)))
})
