/** Settings of the swarms. */
import { Config, Context, Effect, Layer } from "effect"
import * as LeasePace from "./LeasePace.ts"
import * as Pace from "./Pace.ts"
import type { PrivateNetworks } from "./Place.ts"

export class SwarmConfig extends Context.Service<
  SwarmConfig,
  {
    /** Most peers in a handout, whatever is wanted. Default 50, as many as a client has connections. */
    readonly handoutLimit: number
    /** Most members that a swarm keeps; one takes about 400 bytes. Default 20,000. */
    readonly maxMembers: number
    /** … and all swarms of the process. Default 2,000,000. */
    readonly maxMembersInAll: number
    /**
     * Members of which the process remembers what they receive and from whom, for operators; one takes about 700 bytes, 2,000 at most.
     * Default 50,000.
     */
    readonly maxFollowedInAll: number
    /** Most swarms in memory at once. Default 100,000. */
    readonly maxSwarms: number
    /** `SWARM_PRIVATE_NETWORKS`, "OneSite" or "BySubnet"; default "OneSite". */
    readonly privateNetworks: PrivateNetworks
    readonly pace: Pace.Pace
    readonly leasePace: LeasePace.LeasePace
    /** Most bytes that a swarm keeps of who holds and fetches what; beyond it, members get no leases. Default 64 MiB. */
    readonly maxLeaseBytes: number
    /** … and all swarms of the process. Default 512 MiB. */
    readonly maxLeaseBytesInAll: number
  }
>()("@piecework/swarm/SwarmConfig") {}

export const defaults: SwarmConfig["Service"] = {
  handoutLimit: 50,
  maxMembers: 20_000,
  maxMembersInAll: 2_000_000,
  maxFollowedInAll: 50_000,
  maxSwarms: 100_000,
  privateNetworks: "OneSite",
  pace: Pace.defaults,
  leasePace: LeasePace.defaults,
  maxLeaseBytes: 67_108_864,
  maxLeaseBytesInAll: 536_870_912
}

export const layer = (options?: Partial<SwarmConfig["Service"]>): Layer.Layer<SwarmConfig> =>
  Layer.succeed(SwarmConfig, { ...defaults, ...options })

export const layerConfig: Layer.Layer<SwarmConfig, Config.ConfigError> = Layer.effect(
  SwarmConfig,
  Effect.gen(function* () {
    return {
      ...defaults,
      privateNetworks: yield* Config.Literals(["OneSite", "BySubnet"], "SWARM_PRIVATE_NETWORKS").pipe(
        Config.withDefault(defaults.privateNetworks)
      )
    }
  })
)
