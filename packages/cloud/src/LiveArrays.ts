/**
 * Where the Array role is at this moment, when several processes have it and all of them reach all swarms. Discovery names
 * these. Where there is no such list, each Array has swarms of its own, and Discovery goes by what the operator said.
 */
import { Context, Effect } from "effect"

/** What stands before the role's path, without a slash at the end, in no order. */
export type LiveArrays = Effect.Effect<ReadonlyArray<string>>

export const LiveArrays = Context.Reference<LiveArrays>("@piecework/cloud/LiveArrays", {
  defaultValue: () => Effect.succeed([])
})
