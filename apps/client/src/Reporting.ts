/** When the service is told what lies in the outbox. Nothing that a command is there for waits for it, or fails with it. */
import { Courier } from "@piecework/reports/Courier"
import * as Ending from "@piecework/terminal/Ending"
import { Cause, Effect, Exit, Option, type Scope } from "effect"

/** None without a service, or where nothing is to be told. */
const courier = Effect.serviceOption(Courier)

/** What a command waits at its end for a service that does not answer. */
const longest = "2 seconds"

const once = Effect.flatMap(
  courier,
  Option.match({
    onNone: () => Effect.void,
    onSome: ({ flush }) =>
      flush.pipe(
        Effect.timeoutOption(longest),
        // It stays where it is, and the next command or the agent tells it.
        Effect.catch((error) => Effect.logDebug(error))
      )
  })
)

/** Tells it once the command is over, unless somebody wants it to stop now. */
export const atTheEnd = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    const exit = yield* Effect.exit(self)
    if (Exit.isSuccess(exit)) yield* Ending.settled
    if (Exit.isSuccess(exit) || !Cause.hasInterrupts(exit.cause)) yield* once
    return yield* exit
  })

/** Tells it in the background for as long as the scope is open. */
export const fromTimeToTime: Effect.Effect<void, never, Scope.Scope> = Effect.flatMap(
  courier,
  Option.match({
    onNone: () => Effect.void,
    onSome: ({ keepSending }) => Effect.asVoid(Effect.forkScoped(keepSending))
  })
)
