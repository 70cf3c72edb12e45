/** The settings of a device as they are now, and how they change while a program runs. */
import type { LivePolicy } from "@piecework/policy/LivePolicy"
import type { Said } from "@piecework/policy/Policy"
import type { Output } from "@piecework/terminal/Output"
import type { Effect, FileSystem } from "effect"

export interface LiveSettings extends LivePolicy {
  /** Looks again and again whether they have changed where they come from, and tells what became of them. */
  readonly keepUp: Effect.Effect<never, never, FileSystem.FileSystem | Output>
  /** The service says something else now. */
  readonly hear: (said: Said) => Effect.Effect<void>
}
