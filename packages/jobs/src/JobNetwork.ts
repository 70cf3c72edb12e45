/** What jobs need to know of the network: whether there is one, and what it costs. */
import { networkInterfaces } from "node:os"
import { Clock, Context, Effect, Layer } from "effect"
import type { Network } from "./CostPolicy.ts"

export class JobNetwork extends Context.Service<JobNetwork, { readonly now: Effect.Effect<Network> }>()(
  "@piecework/jobs/JobNetwork"
) {
  /**
   * There is a network when an interface other than the loopback has an address. It is asked once a download has failed, so a device
   * without any still fetches from itself. All networks count as unrestricted.
   */
  static readonly layer: Layer.Layer<JobNetwork> = Layer.sync(JobNetwork, () => {
    let known: { readonly network: Network; readonly at: number } | undefined
    return {
      now: Effect.map(Clock.currentTimeMillis, (at) => {
        if (known === undefined || Math.abs(at - known.at) >= fresh) known = { network: look(), at }
        return known.network
      })
    }
  })

  /** What the function says. */
  static readonly layerOf = (now: () => Network): Layer.Layer<JobNetwork> =>
    Layer.succeed(JobNetwork, { now: Effect.sync(now) })

  static readonly connected: Network = { isConnected: true, cost: "Unrestricted", isCellular: false }
}

/** Milliseconds for which a look counts: each message of each job asks, and a look takes longer than the rest of the message. */
const fresh = 1000

const look = (): Network => ({
  isConnected: Object.values(networkInterfaces()).some((all) => all?.some(({ internal }) => !internal)),
  cost: "Unrestricted",
  isCellular: false
})
