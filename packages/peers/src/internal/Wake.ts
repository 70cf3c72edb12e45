/**
 * Where one fiber waits until others have something for it. It goes on in a microtask, so that whoever calls it has
 * finished its step, and many calls in one step are one.
 */
import { Effect } from "effect"

export class Wake {
  private called = false
  private resume: ((effect: Effect.Effect<void>) => void) | undefined

  call(): void {
    this.called = true
    const { resume } = this
    if (resume === undefined) return
    this.resume = undefined
    queueMicrotask(() => resume(Effect.void))
  }

  /** From here on only later calls count. */
  reset(): void {
    this.called = false
  }

  /** Waits for a call since the last reset. One fiber at a time. */
  readonly wait: Effect.Effect<void> = Effect.callback((resume) => {
    if (this.called) return resume(Effect.void)
    this.resume = resume
    return Effect.sync(() => {
      this.resume = undefined
    })
  })
}
