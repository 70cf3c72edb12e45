/**
 * Two places with one thin line between them, and the commands that make it so:
 *
 *     uploader ──┐                                                   ┌── downloader
 *     sender ────┼── near router ── rate, deep queue either way ── far router
 *     service ───┘        (half the round trip on the way back)      └── receiver
 *
 * Each is a network namespace; no interface of the machine takes part. Addresses are those that documentation may use (RFC
 * 5737), without NAT, so that uploader and downloader are devices of two sites. The service also plays the origin. Pure.
 */
import * as Shaping from "../site/Shaping.ts"
import { type Command, typed } from "../site/Shell.ts"
import { bare, cable, defaultRoute, forwarding, type Host, type Means, write } from "../site/Topology.ts"

export interface BottleneckOptions {
  /** Bits a second of the line, either way. */
  readonly rate: number
  /** Bytes that may wait before it. */
  readonly queueBytes: number
  /** Without queues, by `netem`; none where the kernel lacks it. */
  readonly rttMillis: number
  /** How the kernels avoid congestion: "cubic". */
  readonly congestion: string
}

export interface Bottleneck {
  readonly uploader: Host
  readonly sender: Host
  readonly service: Host
  readonly downloader: Host
  readonly receiver: Host
  /** What leaves here towards the far side is what the line carries. */
  readonly line: { readonly namespace: string; readonly dev: string }
  readonly namespaces: ReadonlyArray<string>
  readonly build: ReadonlyArray<Command>
}

/** The hosts' ports are as fast as a LAN, with its queues. */
const port = 1e9

export const plan = (prefix: string, options: BottleneckOptions, means: Means): Bottleneck => {
  const host = (name: string, address: string): Host => ({ namespace: `${prefix}${name}`, address })
  const near = `${prefix}near`
  const far = `${prefix}far`
  const hosts = {
    uploader: host("uploader", "198.51.100.2"),
    sender: host("sender", "198.51.100.6"),
    service: host("service", "198.51.100.10"),
    downloader: host("downloader", "203.0.113.2"),
    receiver: host("receiver", "203.0.113.6")
  }
  const namespaces = [near, far, ...Object.values(hosts).map(({ namespace }) => namespace)]
  const attached = (router: string, dev: string, { address, namespace }: Host): ReadonlyArray<Command> => {
    const gateway = `${address.slice(0, address.lastIndexOf("."))}.${Number(address.split(".")[3]) - 1}`
    return [
      ...cable(
        { namespace, dev: "eth0", address: `${address}/30` },
        { namespace: router, dev, address: `${gateway}/30` }
      ),
      defaultRoute(namespace, gateway),
      write(namespace, "ipv4/tcp_congestion_control", options.congestion),
      ...Shaping.limit(namespace, "eth0", "port", port)
    ]
  }
  return {
    ...hosts,
    line: { namespace: near, dev: "line" },
    namespaces,
    build: [
      ...namespaces.flatMap(bare),
      forwarding(near),
      forwarding(far),
      ...attached(near, "uploader", hosts.uploader),
      ...attached(near, "sender", hosts.sender),
      ...attached(near, "service", hosts.service),
      ...attached(far, "downloader", hosts.downloader),
      ...attached(far, "receiver", hosts.receiver),
      ...cable(
        { namespace: near, dev: "line", address: "192.0.2.1/30" },
        { namespace: far, dev: "line", address: "192.0.2.2/30" }
      ),
      defaultRoute(near, "192.0.2.2"),
      defaultRoute(far, "192.0.2.1"),
      ...[near, far].flatMap((router) => [
        Shaping.frameByFrame(router, "line"),
        ...Shaping.limit(router, "line", "wan", options.rate, options.queueBytes)
      ]),
      // What comes out of the queue is late by half the round trip at the hosts of either side.
      ...(means.delayBy === "netem"
        ? [
            ...["uploader", "sender", "service"].flatMap((dev) => Shaping.delay(near, dev, options.rttMillis / 2)),
            ...["downloader", "receiver"].flatMap((dev) => Shaping.delay(far, dev, options.rttMillis / 2))
          ]
        : [])
    ]
  }
}

/** The congestion control that most systems have, where this kernel lets namespaces have it: a loss-based one, which
 * fills any queue. */
export const congestionOf = (allowed: string): string => {
  const names = allowed.trim().split(/\s+/)
  return names.find((name) => name === "cubic") ?? names.find((name) => name === "reno") ?? names[0] ?? "reno"
}

/** The line's counters of one of its ends. */
export const counters = ({ dev, namespace }: Bottleneck["line"]): Command =>
  typed(`ip -n ${namespace} -s -j link show dev ${dev}`)
