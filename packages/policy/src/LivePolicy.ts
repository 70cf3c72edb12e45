/**
 * The settings of this device as they are now. Who needs one for a moment asks `current`; who has to act on a change listens.
 * Without a provider the defaults are in force and never change.
 */
import { Context, Effect, Layer, type Scope } from "effect"
import { defaults, type Policy, resolve, type Said } from "./Policy.ts"
import type { Name } from "./Settings.ts"

export interface LivePolicy {
  readonly current: () => Policy
  /** Calls the listener at each change, in plain code, as long as the scope lasts. It is not called for what is in force now. */
  readonly onChange: (listener: (policy: Policy) => void) => Effect.Effect<void, never, Scope.Scope>
  /** Where the one who says a setting says it, such as the path of a file; for who knows places. */
  readonly placeOf?: ((name: Name) => string | undefined) | undefined
}

export const LivePolicy = Context.Reference<LivePolicy>("@piecework/policy/LivePolicy", {
  defaultValue: () => constant(defaults)
})

/** Settings that never change. */
export const constant = (policy: Policy): LivePolicy => ({ current: () => policy, onChange: () => Effect.void })

export const layerConstant = (policy: Policy): Layer.Layer<never> => Layer.succeed(LivePolicy, constant(policy))

/** The same with what one more provider says, such as the policy of a content. */
export const also = (live: LivePolicy, said: Said): LivePolicy => {
  const more = resolve([said])
  let below = live.current()
  let both = below.with(more)
  const over = (policy: Policy): Policy => {
    if (policy === below) return both
    below = policy
    both = policy.with(more)
    return both
  }
  return {
    current: () => over(live.current()),
    onChange: (listener) => live.onChange((policy) => listener(over(policy))),
    placeOf: live.placeOf
  }
}

export interface Changing extends LivePolicy {
  readonly set: (policy: Policy) => void
}

/** Settings that change when they are set. */
export const changing = (first: Policy): Changing => {
  let policy = first
  const listeners = new Map<symbol, (policy: Policy) => void>()
  return {
    current: () => policy,
    onChange: (listener) =>
      Effect.asVoid(
        Effect.acquireRelease(
          Effect.sync(() => {
            const place = Symbol("listener")
            listeners.set(place, listener)
            return place
          }),
          (place) => Effect.sync(() => void listeners.delete(place))
        )
      ),
    set: (next) => {
      policy = next
      for (const listener of listeners.values()) listener(next)
    }
  }
}
