/**
 * A runner over origins in memory, for tests and for trying things out: a file comes at its origin's rate of the clock in use, goes on where an
 * earlier run stopped, and fails where it is told to.
 */
import { Clock, Effect, Layer, Result } from "effect"
import type { Failed, Look } from "./Job.ts"
import type { PropertyName } from "./JobProperty.ts"
import { JobRunner, type RunEnd } from "./JobRunner.ts"
import type { JobId } from "./JobStatus.ts"
import * as Ranges from "./Ranges.ts"

export interface MemoryOrigin {
  readonly bytes: number
  /** Bytes a second; 0 for an origin that is silent. */
  rate: number
  /** Each ends one run once it has come that far (bytes), the first one first. */
  readonly failures?: Array<Failed & { readonly at: number }> | undefined
}

export interface MemoryRunner {
  /** By URL. A URL that is not there answers 404. */
  readonly origins: Map<string, MemoryOrigin>
  /** Runs that go on now. */
  readonly running: Set<JobId>
  /** All that there were, in order. */
  readonly runs: Array<{ readonly id: JobId; readonly isForeground: boolean }>
  /** Most that went on at once. */
  most: number
}

export const make = (): MemoryRunner => ({ origins: new Map(), running: new Set(), runs: [], most: 0 })

export interface MemoryRunnerOptions {
  /** Makes the finished file at a path. */
  readonly write: (path: string, id: JobId) => Effect.Effect<void>
  readonly without?: ReadonlySet<PropertyName> | undefined
}

export const layer = (memory: MemoryRunner, options: MemoryRunnerOptions): Layer.Layer<JobRunner> => {
  const held = new Map<string, number>()
  return Layer.succeed(JobRunner, {
    without: options.without ?? new Set(),
    takesRanges: true,
    start: Effect.fnUntraced(function* ({ draft, id, spec }) {
      const clock = yield* Clock.Clock
      const origin = memory.origins.get(spec.uri)
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          memory.running.add(id)
          memory.runs.push({ id, isForeground: spec.foregroundPriority === true })
          memory.most = Math.max(memory.most, memory.running.size)
        }),
        () => Effect.sync(() => memory.running.delete(id))
      )
      if (origin === undefined) return gone
      const total = Ranges.total(spec.ranges ?? [], origin.bytes)
      if (Result.isFailure(total)) return failing({ code: total.failure, extended: 0, mayPass: false })
      const key = `${id} ${spec.uri}`
      const from = held.get(key) ?? 0
      const { rate } = origin
      const began = clock.currentTimeMillisUnsafe()
      const failure = origin.failures?.shift()
      const until = Math.min(total.success, failure?.at ?? Infinity)
      const at = () =>
        Math.max(from, Math.min(until, Math.floor(from + ((clock.currentTimeMillisUnsafe() - began) / 1000) * rate)))
      yield* Effect.addFinalizer(() => Effect.sync(() => held.set(key, at())))
      const look = (): Look => ({ bytesTotal: total.success, bytesTransferred: at(), isBusy: false })
      const arrives =
        until <= from ? Effect.void : rate === 0 ? Effect.never : Effect.sleep(((until - from) / rate) * 1000)
      const end: Effect.Effect<RunEnd> =
        failure === undefined
          ? Effect.as(options.write(draft, id), { _tag: "Complete", bytes: total.success })
          : Effect.succeed({ _tag: "Failed", failure })
      return { look, result: Effect.andThen(arrives, end) }
    })
  })
}

const failing = (failure: Failed) => ({
  look: (): Look => ({ bytesTotal: undefined, bytesTransferred: 0, isBusy: false }),
  result: Effect.succeed<RunEnd>({ _tag: "Failed", failure })
})
const gone = failing({ code: 0x80190194, extended: 0, mayPass: false })
