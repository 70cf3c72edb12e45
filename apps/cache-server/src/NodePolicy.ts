/**
 * The settings of Delivery Optimization under which a cache server is a member of the swarms of its site: one that is there for it, takes
 * leases like any device, and sends to all peers of its network or group. What a service says to its devices is not for it.
 */
import type { LiveSettings } from "@piecework/device/LiveSettings"
import type { DownloadMode } from "@piecework/domain/DownloadMode"
import * as LivePolicy from "@piecework/policy/LivePolicy"
import * as Policy from "@piecework/policy/Policy"
import { numbers } from "@piecework/domain/DownloadMode"
import { Effect } from "effect"

/** In Group mode with a group, else with the devices of its own network. */
export const modeOf = ({
  group,
  hasPeers
}: {
  readonly group: string | undefined
  readonly hasPeers: boolean
}): DownloadMode => (!hasPeers ? "HttpOnly" : group === undefined ? "Lan" : "Group")

export interface NodePolicyOptions {
  readonly group: string | undefined
  readonly hasPeers: boolean
  /** Cache servers that are asked before the origin, as URLs. */
  readonly parents: ReadonlyArray<string>
}

export const of = (options: NodePolicyOptions): LiveSettings => ({
  ...LivePolicy.constant(
    Policy.resolve([
      {
        provider: "CommandLine",
        values: {
          DODownloadMode: numbers[modeOf(options)],
          ...(options.group === undefined ? {} : { DOGroupId: options.group }),
          // What stays and what leaves is up to the drives.
          DOMinFileSizeToCache: 1,
          DOMaxCacheAge: 0,
          DOAbsoluteMaxCacheSize: 0,
          DOAllowVPNPeerCaching: true,
          DeviceClass: 1,
          // A parent that fails is left at once, and asked again once its ban is over.
          DOCacheHost: options.parents.join(",")
        }
      }
    ])
  ),
  keepUp: Effect.never,
  hear: () => Effect.void
})
