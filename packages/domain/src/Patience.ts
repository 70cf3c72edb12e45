/**
 * Waiting that goes by the process's own turns. A timer falls due although its process could not run: where many programs
 * start on a busy machine at once, the answer lies read and unopened in the socket when the time is found to be over. So
 * the time is waited for in steps, between which whatever came is taken up; a process that was away has used up one of them.
 */
import { Duration, Effect, Option } from "effect"

/** What `self` gives, or nothing when that takes longer than `duration` of turns. */
export const timeoutOption =
  (duration: Duration.Input) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<Option.Option<A>, E, R> =>
    timeoutOrElse({ duration, orElse: () => Effect.succeedNone })(Effect.asSome(self))

/** What `self` gives, or what `orElse` does when that takes longer than `duration` of turns. */
export const timeoutOrElse =
  <B, E2, R2>(late: { readonly duration: Duration.Input; readonly orElse: () => Effect.Effect<B, E2, R2> }) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A | B, E | E2, R | R2> =>
    Effect.flatMap(
      Effect.raceFirst(Effect.asSome(self), Effect.as(turns(late.duration), Option.none())),
      (found): Effect.Effect<A | B, E2, R2> => (Option.isSome(found) ? Effect.succeed(found.value) : late.orElse())
    )

/** Over when so much time has gone by, in steps. */
const turns = (duration: Duration.Input): Effect.Effect<void> => {
  const length = Duration.toMillis(duration)
  if (!Number.isFinite(length)) return Effect.never
  const steps = Math.max(1, Math.ceil(length / step))
  return Effect.repeat(Effect.sleep(length / steps), { times: steps - 1 })
}

/** Milliseconds. */
const step = 250
