/** Notes down what came in for a content and what peers were sent of it, so that the figures outlive the process. */
import { Effect, Schedule, type Scope, Semaphore } from "effect"
import * as Passed from "./Passed.ts"
import type { RecordsError } from "./Records.ts"

export interface Noting {
  /** Adds to the content's record what passed since the last time; what it cannot note now it notes later. */
  readonly note: Effect.Effect<void>
  /** What was noted so far. */
  readonly noted: () => Passed.Passed
  /** The same of a download that is over, so that what it wasted is known. */
  readonly noteEnd: Effect.Effect<void>
  /** The same where more is written at its end: `put` gets what passed since the last time, which may be nothing, and writes both in one go. */
  readonly noteWith: (
    put: (more: Passed.Passed, isFirst: boolean) => Effect.Effect<void, RecordsError>
  ) => Effect.Effect<void>
}

/**
 * `passed` are live counters; `isOver` says whether what is neither held nor wasted is waste. `add` answers false when there is no record to
 * add to; `isFirst` until something that came in was added.
 */
export const make = Effect.fnUntraced(function* (options: {
  readonly passed: (isOver: boolean) => Passed.Passed
  readonly add: (more: Passed.Passed, isFirst: boolean) => Effect.Effect<boolean, RecordsError>
}): Effect.fn.Return<Noting> {
  const turn = yield* Semaphore.make(1)
  let noted = Passed.none
  let isFirst = true
  const note = (isOver: boolean, add: (more: Passed.Passed) => Effect.Effect<boolean, RecordsError>) =>
    Effect.gen(function* () {
      const more = Passed.minus(options.passed(isOver), noted)
      if (!(yield* add(more))) return
      if (Passed.receivedBytes(more) > 0) isFirst = false
      noted = Passed.plus(noted, more)
    }).pipe(
      turn.withPermit,
      // What was added is remembered as noted, or it would be added again.
      Effect.uninterruptible,
      Effect.catch((error) => Effect.logWarning(error))
    )
  const unlessNone = (more: Passed.Passed) => (Passed.isNone(more) ? Effect.succeed(false) : options.add(more, isFirst))
  return {
    note: note(false, unlessNone),
    noteEnd: note(true, unlessNone),
    noteWith: (put) => note(true, (more) => Effect.as(put(more, isFirst), true)),
    noted: () => noted
  }
})

/** How often is noted down: so much is lost when the process is killed. */
const noteEvery = "5 seconds"

/** Notes from time to time, and a last time when the scope closes. */
export const keepUp = Effect.fnUntraced(function* (noting: Noting): Effect.fn.Return<void, never, Scope.Scope> {
  yield* Effect.addFinalizer(() => noting.noteEnd)
  yield* Effect.forkScoped(Effect.repeat(noting.note, Schedule.spaced(noteEvery)))
})
