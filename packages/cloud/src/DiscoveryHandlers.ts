/**
 * The Discovery role: which Array to join. Where several are named, all devices that may be matched are sent to the same
 * one, which is the same for a content and, in Group mode, its group; the others follow, for when it is down.
 */
import { Effect } from "effect"
import { ArrayInstance, DiscoveryRpcs } from "./DiscoveryRpcs.ts"
import { EndpointUrl } from "./Fields.ts"
import * as Rendezvous from "./Rendezvous.ts"
import { paths } from "./Role.ts"
import { basesOf, RoleUrls } from "./RoleUrls.ts"

/** Most places in an answer. */
const most = 16

export const layer = DiscoveryRpcs.toLayer(
  Effect.gen(function* () {
    const urls = yield* RoleUrls
    return DiscoveryRpcs.of({
      Discover: ({ contentId, groupId }) =>
        Effect.map(basesOf(urls, "Array"), (bases) => {
          const [first, ...others] = Rendezvous.ranked(
            bases,
            groupId === undefined ? contentId : `${contentId}/${groupId}`
          )
          return [instanceAt(first), ...others.slice(0, most - 1).map(instanceAt)] as const
        })
    })
  })
)

const instanceAt = (base: string) => new ArrayInstance({ url: EndpointUrl.make(base + paths.Array) })
