/** What jobs need to know of the network: whether there is one, and what it costs. */
import { networkInterfaces } from "node:os"
import { Host } from "@piecework/host/Host"
import { Clock, Context, Effect, Layer, Schedule } from "effect"
import type { Network } from "./CostPolicy.ts"
import * as NetworkLook from "./NetworkLook.ts"
import * as RetryDelay from "./RetryDelay.ts"

export class JobNetwork extends Context.Service<JobNetwork, { readonly now: Effect.Effect<Network> }>()(
  "@piecework/jobs/JobNetwork"
) {
  /**
   * Of this device. There is a network when an interface other than the loopback has an address. It is asked once a download has failed, so
   * a device without any still fetches from itself. What bytes cost is looked at every 30 s; until the first look is over they cost nothing.
   */
  static readonly layer: Layer.Layer<JobNetwork, never, Host> = Layer.effect(
    JobNetwork,
    Effect.gen(function* () {
      const host = yield* Host
      let known: { readonly isConnected: boolean; readonly at: number } | undefined
      let cost = NetworkLook.unknown
      const look = Effect.gen(function* () {
        const [isMetered, interfaces] = yield* Effect.all([host.isMetered, host.interfaces], { concurrency: 2 })
        cost = NetworkLook.costOf(isMetered, interfaces)
      })
      yield* Effect.forkScoped(Effect.repeat(look, Schedule.spaced(RetryDelay.transient)))
      return JobNetwork.of({
        now: Effect.map(Clock.currentTimeMillis, (at) => {
          if (known === undefined || Math.abs(at - known.at) >= fresh) known = { isConnected: isConnected(), at }
          return { isConnected: known.isConnected, ...cost }
        })
      })
    })
  )

  /** What the function says. */
  static readonly layerOf = (now: () => Network): Layer.Layer<JobNetwork> =>
    Layer.succeed(JobNetwork, { now: Effect.sync(now) })

  static readonly connected: Network = { isConnected: true, cost: "Unrestricted", isCellular: false }
}

/** Milliseconds for which a look counts: each message of each job asks, and a look takes longer than the rest of the message. */
const fresh = 1000

const isConnected = (): boolean =>
  Object.values(networkInterfaces()).some((all) => all?.some(({ internal }) => !internal))
