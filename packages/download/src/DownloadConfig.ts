/** What one device lets its downloads do. Every field has a default; settings of the fleet come to lie over them. */
import { Context, type Duration, Layer } from "effect"

export class DownloadConfig extends Context.Service<
  DownloadConfig,
  {
    /**
     * Contents smaller than this are fetched over plain HTTP, in bytes. Default 10 MB: below it, asking about peers
     * costs more than it saves. Source: spec.md §2.2.
     */
    readonly minContentSize: number
    /**
     * How long the cloud services may take to say what a content is; then the download goes on without, and costs the site
     * a copy of its own. Default 8 s, time for two calls and more: one that is down is given up after the first.
     */
    readonly lookupTimeout: Duration.Input
    /**
     * How long all of the pieces hash file may take to come. Default 30 s: the one of a content of 100 GB has 4.5 MB.
     * Its server has to begin within `lookupTimeout`.
     */
    readonly phfTimeout: Duration.Input
    /**
     * How long a download that has not received a single byte keeps trying. Default 10 s: a name that was typed wrongly
     * should not look like a slow line.
     */
    readonly firstByteTimeout: Duration.Input
    /** How long a download that has received bytes may go without any more. Default 5 min. Source: spec.md §3.4. */
    readonly noProgressTimeout: Duration.Input
    /**
     * How long a download waits for the service to say what it may ask the origin for; then it goes ahead without. Default
     * 8 s, time for two asks: it has just answered with the hashes, and where it is slow because
     * a whole site starts at once, each that did not wait would cost the site its pieces again.
     */
    readonly leaseTimeout: Duration.Input
    /** Most peers one download talks to at once. Default 10: a random regular graph of ten holds a site together. */
    readonly maxPeers: number
    /** The address at which others reach this device. Default: the one it listens on. */
    readonly reportedHost: string | undefined
    /** The group whose devices are peers in Group mode. Default none. */
    readonly groupId: string | undefined
    /** Kind of device, by which the services match it: a server has peers among servers. Default a PC; see `Profile` of the cloud. */
    readonly profile: number | undefined
    /** Mask of the network that `reportedHost` is in, as 255.255.255.0. Default: not told, and then the services take it for that. */
    readonly reportedMask: string | undefined
    /**
     * Narrows the peers that the mode allows: to those of the device's own subnet, or to those found on the local network.
     * Default "None". Source: spec.md §2.4.
     */
    readonly peersFrom: "None" | "Subnet" | "Local"
    /** How often rates are measured and slow sources looked for. Default 500 ms. */
    readonly tick: Duration.Input
  }
>()("@piecework/download/DownloadConfig") {}

export const defaults: DownloadConfig["Service"] = {
  minContentSize: 10_000_000,
  lookupTimeout: "8 seconds",
  phfTimeout: "30 seconds",
  firstByteTimeout: "10 seconds",
  noProgressTimeout: "5 minutes",
  leaseTimeout: "8 seconds",
  maxPeers: 10,
  reportedHost: undefined,
  groupId: undefined,
  profile: undefined,
  reportedMask: undefined,
  peersFrom: "None",
  tick: "500 millis"
}

export const layer = (options?: Partial<DownloadConfig["Service"]>): Layer.Layer<DownloadConfig> =>
  Layer.succeed(DownloadConfig, { ...defaults, ...options })
