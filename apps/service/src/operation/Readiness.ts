/**
 * Whether every role of this process does its work now. A role says how that is found out; each look has a second, and
 * callers within a second share one, so that asking costs nothing worth an attack.
 */
import { Context, Duration, Effect, Layer, Ref } from "effect"
import { EventLoop } from "@piecework/telemetry/EventLoop"
import { Traffic } from "./Traffic.ts"

/** What is wrong, as one sentence; `undefined` when nothing is. */
export type Trouble = string | undefined

export interface State {
  readonly isReady: boolean
  /** It was told to stop, and answers what it has. */
  readonly isDraining: boolean
  /** By role, and "process" for what all roles share. */
  readonly troubles: ReadonlyMap<string, Trouble>
}

export class Readiness extends Context.Service<
  Readiness,
  {
    /** Adds a role and what tells whether it works: it must end well within a second. */
    readonly watch: (role: string, check: Effect.Effect<unknown, { readonly message: string }>) => Effect.Effect<void>
    readonly state: Effect.Effect<State>
    /** From now on nothing is ready. */
    readonly drain: Effect.Effect<void>
  }
>()("@piecework/service/Readiness") {
  static readonly layer: Layer.Layer<Readiness, never, EventLoop | Traffic> = Layer.effect(
    Readiness,
    Effect.gen(function* () {
      const eventLoop = yield* EventLoop
      const traffic = yield* Traffic
      const checks = new Map<string, Effect.Effect<unknown, { readonly message: string }>>()
      const draining = yield* Ref.make(false)
      const last = yield* Ref.make("")

      const look = Effect.gen(function* () {
        const waiting = traffic.overdue(Duration.toMillis(patience))
        const found = yield* Effect.forEach(
          checks,
          ([role, check]) => Effect.map(troubleOf(check), (trouble) => [role, trouble] as const),
          { concurrency: "unbounded" }
        )
        const troubles = new Map<string, Trouble>([["process", late(eventLoop.stoodStill())], ...found])
        for (const [route, count] of waiting) {
          if (troubles.get(route) === undefined) troubles.set(route, `${count} of its requests wait for an answer.`)
        }
        const said = [...troubles].flatMap(([role, trouble]) => (trouble === undefined ? [] : [`${role}: ${trouble}`]))
        if ((yield* Ref.getAndSet(last, said.join(" "))) !== said.join(" ")) {
          yield* said.length === 0 ? Effect.logInfo("ready") : Effect.logWarning("not ready", ...said)
        }
        return troubles
      })
      const shared = yield* Effect.cachedWithTTL(look, shareFor)

      return Readiness.of({
        watch: (role, check) => Effect.sync(() => void checks.set(role, check)),
        state: Effect.gen(function* () {
          if (yield* Ref.get(draining)) return { isReady: false, isDraining: true, troubles: new Map() }
          const troubles = yield* shared
          const isDraining = yield* Ref.get(draining)
          return {
            isReady: !isDraining && [...troubles.values()].every((trouble) => trouble === undefined),
            isDraining,
            troubles
          }
        }),
        drain: Ref.set(draining, true)
      })
    })
  )
}

/** For one look at a role. */
const limit = Duration.seconds(1)
/** For how long callers are told the same. */
const shareFor = Duration.seconds(1)
/** How long a request that is here as a whole may have no answer. */
const patience = Duration.seconds(3)
/** How late the event loop may be, in milliseconds. */
const mostLate = 1000

const troubleOf = (check: Effect.Effect<unknown, { readonly message: string }>): Effect.Effect<Trouble> =>
  check.pipe(
    Effect.as(undefined),
    Effect.timeoutOrElse({ duration: limit, orElse: () => Effect.succeed("It does not answer within a second.") }),
    Effect.catch((error) => Effect.succeed(error.message)),
    Effect.catchCause((cause) =>
      Effect.as(Effect.logError("a look at a role failed", cause), "It fails when looked at.")
    )
  )

const late = (millis: number): Trouble =>
  millis > mostLate ? `The event loop stood still for ${(millis / 1000).toFixed(1)} s.` : undefined
