/**
 * What operators see a group called: 16 hex digits, from which nobody finds out the group's id by trying. A service that keeps reports gives its
 * own, so that a group has one name everywhere; without, the names last as long as the process.
 */
import { createHash, randomBytes } from "node:crypto"
import { Context, Effect, Layer } from "effect"

export class GroupNaming extends Context.Service<
  GroupNaming,
  {
    /** Dies where the name cannot be had now. */
    readonly of: (groupId: string) => Effect.Effect<string>
  }
>()("@piecework/swarm/GroupNaming") {
  /** With a secret of this process. */
  static readonly layerOwn: Layer.Layer<GroupNaming> = Layer.sync(GroupNaming, () => {
    const salt = randomBytes(32)
    return GroupNaming.of({
      of: (groupId) =>
        Effect.sync(() => createHash("sha256").update(salt).update(groupId, "utf8").digest("hex").slice(0, 16))
    })
  })
}
