/**
 * Hears that a content is halted while this device fetches or serves it. What the service answers about a content anyway,
 * joins and leases, tells it too; only contents that are in use and of which no answer told lately are checked, all of them
 * in one call. So a download that renews its leases costs no call more, and a device that serves nobody makes none.
 */
import { Cloud } from "@piecework/cloud/Cloud"
import type { CloudError } from "@piecework/cloud/CloudError"
import { maxChecked } from "@piecework/cloud/ContentPolicyRpcs"
import type { ContentId } from "@piecework/domain/Content"
import { Clock, Deferred, Duration, Effect, Option, Random, type Scope } from "effect"

export interface Halts {
  /** Waits until the service has halted the content, looking for that while the content is in use. */
  readonly halted: (content: ContentId, isInUse: () => boolean) => Effect.Effect<void>
  /** Waits until a content that was halted is so no more. */
  readonly resumed: (content: ContentId) => Effect.Effect<void>
  /** What the service answered about the content just now: nothing when it went well. */
  readonly answered: (content: ContentId, failure: CloudError | undefined) => Effect.Effect<void>
}

interface Watch {
  readonly isInUse: () => boolean
  readonly halt: Deferred.Deferred<void>
}

/** Between two checks until the service says how long that is. */
const firstPause = Duration.seconds(2)
/** A content is checked when nothing was heard of it for so many pauses: those that renew leases as often are not. */
const longestSilence = 1.25
/** After a check that failed. */
const failedPause = Duration.seconds(4)
/** Between two looks whether a halted content is resumed. */
const resumePause = Duration.minutes(1)

/** Without a service nothing is ever halted. */
export const make = Effect.fn("Halts.make")(function* (
  cloud: Option.Option<Cloud["Service"]>
): Effect.fn.Return<Halts, never, Scope.Scope> {
  if (Option.isNone(cloud))
    return { halted: () => Effect.never, resumed: () => Effect.void, answered: () => Effect.void }
  const services = cloud.value
  const watches = new Map<ContentId, Set<Watch>>()
  /** When the service last said that a content may be had, in epoch milliseconds. */
  const heard = new Map<ContentId, number>()
  let pause = firstPause

  const tellHalted = (content: ContentId) =>
    Effect.forEach(watches.get(content) ?? [], ({ halt }) => Deferred.succeed(halt, undefined), { discard: true })

  const check = Effect.fnUntraced(function* (contents: ReadonlyArray<ContentId>) {
    const known = yield* services.whereabouts
    for (let at = 0; at < contents.length; at += maxChecked) {
      const [first, ...others] = contents.slice(at, at + maxChecked)
      if (first === undefined) break
      const { again, halted } = yield* services.check(known, [first, ...others])
      pause = again
      const now = yield* Clock.currentTimeMillis
      for (const content of [first, ...others]) if (!halted.includes(content)) heard.set(content, now)
      for (const content of halted) yield* tellHalted(content)
    }
  })

  const inUse = (): ReadonlyArray<ContentId> =>
    [...watches].filter(([, some]) => [...some].some(({ isInUse }) => isInUse())).map(([content]) => content)

  /** Answers how long to wait until the next look. */
  const look = Effect.gen(function* () {
    const contents = inUse()
    if (contents.length === 0) return pause
    const now = yield* Clock.currentTimeMillis
    const silence = (content: ContentId) => (now - (heard.get(content) ?? -Infinity)) / Duration.toMillis(pause)
    if (contents.some((content) => silence(content) >= longestSilence)) {
      // One call for all that will be due soon.
      const result = yield* Effect.result(check(contents.filter((content) => silence(content) >= longestSilence / 2)))
      if (result._tag === "Failure") {
        yield* Effect.logDebug("check failed", result.failure)
        return failedPause
      }
    }
    return Duration.millis(Math.ceil(Duration.toMillis(pause) / 4))
  })

  const forever = Effect.gen(function* () {
    // Devices that were started together are not to ask together.
    yield* Effect.sleep(yield* Random.nextIntBetween(0, Duration.toMillis(firstPause)))
    while (true) yield* Effect.sleep(yield* look)
  })
  yield* Effect.forkScoped(forever)

  const halted = (content: ContentId, isInUse: () => boolean) =>
    Effect.acquireUseRelease(
      Effect.gen(function* () {
        const watch: Watch = { isInUse, halt: yield* Deferred.make<void>() }
        watches.set(content, (watches.get(content) ?? new Set()).add(watch))
        return watch
      }),
      (watch) => Deferred.await(watch.halt),
      (watch) =>
        Effect.sync(() => {
          const left = watches.get(content)
          left?.delete(watch)
          if (left?.size !== 0) return
          watches.delete(content)
          heard.delete(content)
        })
    )

  const isHalted = Effect.fnUntraced(function* (content: ContentId) {
    const reply = yield* services.check(yield* services.whereabouts, [content])
    return reply.halted.includes(content)
  })

  return {
    halted,
    resumed: (content) =>
      Effect.sleep(resumePause).pipe(
        Effect.andThen(isHalted(content)),
        // Nobody said that it may be had again.
        Effect.catch((error) => Effect.as(Effect.logDebug("check failed", error), true)),
        Effect.repeat({ while: (still) => still }),
        Effect.asVoid
      ),
    answered: (content, failure) => {
      if (failure?.reason === "ContentHalted") return tellHalted(content)
      if (failure !== undefined) return Effect.void
      return Effect.map(Clock.currentTimeMillis, (now) => void (watches.has(content) && heard.set(content, now)))
    }
  }
})
