/**
 * The Discovery role: which Array to join. Where several are named, all devices that may be matched are sent to the same
 * one, which is the same for a content and, in Group mode, its group; the others follow, for when it is down. Arrays of a
 * cluster have all swarms in common, so there the devices of a site share one, and a content's sites are spread over all.
 */
import { Effect } from "effect"
import { Caller } from "./Caller.ts"
import { ArrayInstance, DiscoveryRpcs } from "./DiscoveryRpcs.ts"
import { EndpointUrl } from "./Fields.ts"
import { LiveArrays } from "./LiveArrays.ts"
import * as Rendezvous from "./Rendezvous.ts"
import { paths } from "./Role.ts"
import { basesOf, RoleUrls } from "./RoleUrls.ts"

/** Most places in an answer. */
const most = 16

export const layer = DiscoveryRpcs.toLayer(
  Effect.gen(function* () {
    const urls = yield* RoleUrls
    const live = yield* LiveArrays
    return DiscoveryRpcs.of({
      Discover: ({ contentId, groupId }) =>
        Effect.gen(function* () {
          const swarm = groupId === undefined ? contentId : `${contentId}/${groupId}`
          const { externalIp } = yield* Caller
          const [one, ...more] = urls.Array === undefined ? yield* live : []
          const [first, ...others] =
            one === undefined
              ? Rendezvous.ranked(yield* basesOf(urls, "Array"), swarm)
              : Rendezvous.ranked([one, ...more], `${swarm} ${externalIp}`)
          return [instanceAt(first), ...others.slice(0, most - 1).map(instanceAt)] as const
        })
    })
  })
)

const instanceAt = (base: string) => new ArrayInstance({ url: EndpointUrl.make(base + paths.Array) })
