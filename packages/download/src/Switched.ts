/** Work that goes on only while something is so: in a scope of its own, closed when it is not, opened anew when it is again. */
import { Effect, Exit, Latch, Scope } from "effect"

export interface Switch {
  readonly isOn: () => boolean
  /** Calls the listener in plain code whenever `isOn` may answer something else, as long as the scope lasts. */
  readonly onChange: (listener: () => void) => Effect.Effect<void, never, Scope.Scope>
}

export interface Listeners {
  readonly add: Switch["onChange"]
  readonly call: () => void
}

/** Who wants to hear of something. */
export const listeners = (): Listeners => {
  const all = new Set<{ readonly call: () => void }>()
  return {
    add: (listener) =>
      Effect.asVoid(
        Effect.acquireRelease(
          Effect.sync(() => {
            const entry = { call: listener }
            all.add(entry)
            return entry
          }),
          (entry) => Effect.sync(() => all.delete(entry))
        )
      ),
    call: () => {
      for (const { call } of all) call()
    }
  }
}

/** A switch that code turns. */
export const make = (first: boolean): Switch & { readonly turn: (on: boolean) => void } => {
  let isOn = first
  const { add, call } = listeners()
  return {
    isOn: () => isOn,
    onChange: add,
    turn: (on) => {
      if (on === isOn) return
      isOn = on
      call()
    }
  }
}

/**
 * Runs `inside` while the switch is on: the first time before this returns. `left` runs after the scope of `inside` was
 * closed because the switch was turned off, and at first if it is off then.
 */
export const run = Effect.fnUntraced(function* <R, R2 = never>(
  { isOn, onChange }: Switch,
  inside: Effect.Effect<unknown, never, R>,
  left: Effect.Effect<unknown, never, R2> = Effect.void
): Effect.fn.Return<void, never, Exclude<R, Scope.Scope> | R2 | Scope.Scope> {
  const outer = yield* Effect.scope
  const changed = yield* Latch.make(false)
  let scope: Scope.Closeable | undefined

  const enter = Effect.gen(function* () {
    const opened = yield* Scope.fork(outer)
    scope = opened
    yield* Scope.provide(inside, opened)
  })
  const leave = Effect.suspend(() => {
    const opened = scope
    scope = undefined
    return opened === undefined ? Effect.void : Scope.close(opened, Exit.void)
  }).pipe(Effect.andThen(left))
  const follow = Effect.gen(function* () {
    yield* changed.await
    yield* changed.close
    const isIn = scope !== undefined
    if (isOn() && !isIn) yield* Effect.uninterruptible(enter)
    if (!isOn() && isIn) yield* Effect.uninterruptible(leave)
  })

  yield* onChange(() => changed.openUnsafe())
  if (isOn()) yield* enter
  else yield* left
  yield* Effect.forkScoped(Effect.forever(follow))
})
