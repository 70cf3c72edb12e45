/** Those who watch a job. Each has a short list of its own, of which the newest stay: who is slow misses steps, and holds nobody up. */
import { type Cause, Effect, Queue, type Scope } from "effect"
import type { JobStatus } from "../JobStatus.ts"
import * as Notices from "../Notices.ts"

export interface Watchers {
  /** The list begins with this status. */
  readonly join: (status: JobStatus) => Effect.Effect<Queue.Dequeue<JobStatus, Cause.Done>, never, Scope.Scope>
  readonly isWatched: () => boolean
  /** Tells them, if it is time. */
  readonly tell: (status: JobStatus, pace: Notices.Pace, now: number) => Effect.Effect<void>
  /** There will be no more. */
  readonly end: Effect.Effect<void>
}

/** Steps that one who is slow may be behind. */
const most = 16

export const make = (): Watchers => {
  const lists = new Set<Queue.Queue<JobStatus, Cause.Done>>()
  let told: Notices.Told | undefined
  let isOver = false
  return {
    isWatched: () => lists.size > 0,
    join: (status) =>
      Effect.acquireRelease(
        Effect.gen(function* () {
          const list = yield* Queue.sliding<JobStatus, Cause.Done>(most)
          yield* Queue.offer(list, status)
          if (isOver) yield* Queue.end(list)
          else lists.add(list)
          return list
        }),
        (list) =>
          Effect.andThen(
            Effect.sync(() => lists.delete(list)),
            Queue.shutdown(list)
          )
      ),
    tell: (status, pace, now) =>
      Effect.suspend(() => {
        if (!Notices.isDue(told, status, pace, now)) return Effect.void
        told = { status, at: now }
        return Effect.forEach(lists, (list) => Queue.offer(list, status), { discard: true })
      }),
    end: Effect.suspend(() => {
      isOver = true
      return Effect.forEach(lists, (list) => Queue.end(list), { discard: true })
    })
  }
}
