/** Answers administrators about swarms, once it is sure that they may ask. */
import { Caller } from "@piecework/cloud/Caller"
import { mayDo } from "@piecework/cloud/Identity"
import { RequestRefused } from "@piecework/cloud/RoleError"
import type { ContentId } from "@piecework/domain/Content"
import { Effect } from "effect"
import type { Line } from "./Bulletin.ts"
import { GroupNaming } from "./GroupNaming.ts"
import { LiveInside, LiveSwarm } from "./LiveView.ts"
import { SwarmRpcs, SwarmUnknown } from "./SwarmRpcs.ts"
import { Swarms, SwarmUnavailable } from "./Swarms.ts"

const allowed = Effect.flatMap(Caller, ({ identity }) =>
  mayDo(identity, "Read") ? Effect.void : Effect.fail(new RequestRefused({ reason: "NotAllowed" }))
)

const reading = <A, E>(asked: Effect.Effect<A, E | SwarmUnavailable>) =>
  Effect.andThen(
    allowed,
    Effect.catchIf(asked, isUnavailable, () => Effect.fail(new RequestRefused({ reason: "Overloaded" })))
  )

const isUnavailable = (error: unknown): error is SwarmUnavailable => error instanceof SwarmUnavailable

export const layer = SwarmRpcs.toLayer(
  Effect.gen(function* () {
    const swarms = yield* Swarms
    const naming = yield* GroupNaming

    const named = Effect.fnUntraced(function* ({ swarm, ...figures }: Line) {
      const [contentId, group] = partsOf(swarm)
      return new LiveSwarm({
        contentId,
        ...(group === undefined ? {} : { group: yield* naming.of(group) }),
        ...figures
      })
    })

    /** The id of the group that operators call so, among those that are in a swarm of the content now. */
    const groupCalled = Effect.fnUntraced(function* (contentId: ContentId, name: string) {
      const { lines } = yield* swarms.live.list({ skip: 0, most: mostGroups, order: "Members", contentId })
      for (const { swarm } of lines) {
        const [, group] = partsOf(swarm)
        if (group !== undefined && (yield* naming.of(group)) === name) return group
      }
      return yield* new SwarmUnknown({ contentId })
    })

    return SwarmRpcs.of({
      List: () => reading(swarms.list),
      Show: ({ contentId, groupId }) => reading(swarms.look(contentId, groupId)),
      Live: (wanted) =>
        reading(
          Effect.gen(function* () {
            const { at, count, lines, next } = yield* swarms.live.list(wanted)
            const found = yield* Effect.forEach(lines, named)
            return { at, count, swarms: found, ...(next === undefined ? {} : { next }) }
          })
        ),
      Inside: ({ after, contentId, group, most, site }) =>
        reading(
          Effect.gen(function* () {
            const groupId = group === undefined ? undefined : yield* groupCalled(contentId, group)
            const found = yield* swarms.inspect(contentId, groupId, { after, most, site })
            const { figures, ...inside } = found
            if (figures.members === 0) return yield* new SwarmUnknown({ contentId })
            const swarm = new LiveSwarm({ contentId, ...(group === undefined ? {} : { group }), ...figures })
            return new LiveInside({ ...inside, swarm })
          })
        ),
      Totals: () => reading(swarms.live.totals),
      History: ({ after = 0 }) => reading(swarms.live.history(after))
    })
  })
)

/** Groups of one content among which a name is looked for. */
const mostGroups = 600

/** An id has no slash; a group's may. */
const partsOf = (swarm: string): readonly [contentId: ContentId, groupId: string | undefined] => {
  const slash = swarm.indexOf("/")
  return slash < 0 ? [swarm as ContentId, undefined] : [swarm.slice(0, slash) as ContentId, swarm.slice(slash + 1)]
}
