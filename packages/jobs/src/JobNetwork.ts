/** What jobs need to know of the network: whether there is one, and what it costs. */
import { networkInterfaces } from "node:os"
import { Context, Effect, Layer } from "effect"
import type { Network } from "./CostPolicy.ts"

export class JobNetwork extends Context.Service<JobNetwork, { readonly now: Effect.Effect<Network> }>()(
  "@piecework/jobs/JobNetwork"
) {
  /**
   * There is a network when an interface other than the loopback has an address. It is asked once a download has failed, so a device
   * without any still fetches from itself. All networks count as unrestricted.
   */
  static readonly layer: Layer.Layer<JobNetwork> = Layer.succeed(JobNetwork, {
    now: Effect.sync((): Network => ({
      isConnected: Object.values(networkInterfaces()).some((all) => all?.some(({ internal }) => !internal)),
      cost: "Unrestricted",
      isCellular: false
    }))
  })

  /** What the function says. */
  static readonly layerOf = (now: () => Network): Layer.Layer<JobNetwork> =>
    Layer.succeed(JobNetwork, { now: Effect.sync(now) })

  static readonly connected: Network = { isConnected: true, cost: "Unrestricted", isCellular: false }
}
