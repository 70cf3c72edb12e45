/** How and whom the service dials back. */
import { networkInterfaces } from "node:os"
import { Config, Context, Duration, Effect, Layer } from "effect"

export class ReachConfig extends Context.Service<
  ReachConfig,
  {
    /** Longest time to connect. `REACH_TIMEOUT`, default 2 s: less than a client waits for an answer. */
    readonly timeout: Duration.Duration
    /** Addresses besides those of this machine, loopback and link-local that are not dialled, such as the service's own proxies. Default none. */
    readonly bars: (address: string) => boolean
    /** Whether `bars` knows the proxies before the service. If not, whoever came by one is not dialled back. Default no. */
    readonly knowsProxies: boolean
    /** Addresses of this machine. */
    readonly own: () => ReadonlySet<string>
  }
>()("@piecework/reach/ReachConfig") {}

export const defaults: ReachConfig["Service"] = {
  timeout: Duration.seconds(2),
  bars: () => false,
  knowsProxies: false,
  own: () => new Set(Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address)))
}

export const layer = (options?: Partial<ReachConfig["Service"]>): Layer.Layer<ReachConfig> =>
  Layer.succeed(ReachConfig, { ...defaults, ...options })

export const layerConfig: Layer.Layer<ReachConfig, Config.ConfigError> = Layer.effect(
  ReachConfig,
  Effect.map(Config.Duration("REACH_TIMEOUT").pipe(Config.withDefault(defaults.timeout)), (timeout) => ({
    ...defaults,
    timeout
  }))
)
