/** How often nodes come, how soon they are told of, and how long their figures are kept. */
import { Context, Duration, Layer } from "effect"
import { hoursKept, minutesKept } from "./Figures.ts"
import type { PrivateNetworks } from "./Site.ts"

export class NodesConfig extends Context.Service<
  NodesConfig,
  {
    /** Between two heartbeats of a node. Default one minute. */
    readonly heartbeatEvery: Duration.Duration
    /** How often changes that other processes made are looked for. Default 1 s. */
    readonly refreshEvery: Duration.Duration
    /**
     * After how long others are told that a node still lives when nothing else about it changed; so the time of its last heartbeat
     * may be so much older where devices are told. Default 10 min.
     */
    readonly tellEvery: Duration.Duration
    /** Whose nodes those are that have no ranges and come from a private address; as `SwarmConfig` has it. Default "OneSite". */
    readonly privateNetworks: PrivateNetworks
    /** How long figures are kept by minute. Default 30 days; an idle minute takes no place. */
    readonly keepMinutes: Duration.Duration
    /** How long they are kept by hour. Default 400 days. */
    readonly keepHours: Duration.Duration
    /** Between two looks for what is too old. Default one hour. */
    readonly sweepEvery: Duration.Duration
    /** Most rows that one step deletes; between steps others have their turn. Default 1000. */
    readonly sweepStep: number
  }
>()("@piecework/nodes/NodesConfig") {}

export const defaults: NodesConfig["Service"] = {
  heartbeatEvery: Duration.minutes(1),
  refreshEvery: Duration.seconds(1),
  tellEvery: Duration.minutes(10),
  privateNetworks: "OneSite",
  keepMinutes: Duration.millis(minutesKept),
  keepHours: Duration.millis(hoursKept),
  sweepEvery: Duration.hours(1),
  sweepStep: 1000
}

export const layer = (options?: Partial<NodesConfig["Service"]>): Layer.Layer<NodesConfig> =>
  Layer.succeed(NodesConfig, { ...defaults, ...options })
