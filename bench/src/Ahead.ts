/** The bench before what else runs on the machine. */
import { getPriority, setPriority } from "node:os"
import { Effect } from "effect"

/**
 * The bench, and with it all that it starts without a lower priority: that stands for other machines, and measures. A system
 * that does not allow it measures all the same.
 */
export const ahead = Effect.acquireRelease(
  Effect.sync(() => {
    const before = getPriority()
    trySetPriority(-5)
    return before
  }),
  (before) => Effect.sync(() => trySetPriority(before))
)

const trySetPriority = (priority: number): void => {
  try {
    setPriority(0, priority)
  } catch {
    // As it is, then.
  }
}
