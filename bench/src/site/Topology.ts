/**
 * Who is where, and the commands that make it so:
 *
 *     origin ─ delay ─┐                ┌─ rate, queue ─ router 1 (NAT) ─ LAN ─┬─ device 1 … N
 *                     ├─── backbone ───┤                                      └─ helper: a tracker or a cache
 *     service ─ delay ┘                └─ rate, queue ─ router 2 (NAT) ─ …
 *
 * Each is a network namespace with links to its neighbours and to nothing else: no interface of the machine takes part.
 * Outer addresses are those that documentation may use (RFC 5737), because the service takes devices at private outer
 * addresses for neighbours; a LAN has private ones. Pure: values only.
 */
import * as Shaping from "./Shaping.ts"
import { type Command, typed } from "./Shell.ts"
import type { SiteOptions } from "./SiteOptions.ts"

export interface Host {
  readonly namespace: string
  readonly address: string
}

export interface Site {
  readonly router: string
  /** Where its devices seem to be, seen from outside. */
  readonly external: string
  /** The backbone's interface on its line. */
  readonly line: string
  readonly helper: Host
  readonly devices: ReadonlyArray<Host>
}

/** How a round trip gets its length: by the kernel's netem, by a relay of our own, or not at all. */
export type DelayBy = "netem" | "none"

export interface Means {
  readonly firewall: Shaping.Firewall
  readonly delayBy: DelayBy
  /** Whether the kernel has CUBIC for the hosts; without it they have what this machine is set to. */
  readonly hasCubic: boolean
}

export interface Topology {
  readonly backbone: string
  readonly origin: Host
  readonly service: Host
  readonly sites: ReadonlyArray<Site>
  /** All of them. */
  readonly namespaces: ReadonlyArray<string>
  readonly build: ReadonlyArray<Command>
}

export const plan = (prefix: string, options: SiteOptions, means: Means): Topology => {
  const name = (part: string) => `${prefix}${part}`
  const backbone = name("backbone")
  const origin = { namespace: name("origin"), address: "203.0.113.2" }
  const service = { namespace: name("service"), address: "203.0.113.6" }
  const sites = Array.from({ length: options.sites }, (_, i): Site => {
    const lan = `192.168.${i + 1}`
    return {
      router: name(`s${i + 1}-router`),
      external: `198.51.100.${4 * i + 2}`,
      line: `site${i + 1}`,
      helper: { namespace: name(`s${i + 1}-helper`), address: `${lan}.2` },
      devices: Array.from({ length: options.devices }, (__, d) => ({
        namespace: name(`s${i + 1}-d${d + 1}`),
        address: `${lan}.${d + 11}`
      }))
    }
  })
  const namespaces = [
    backbone,
    ...[origin, service].map((host) => host.namespace),
    ...sites.flatMap((site) => [site.router, site.helper.namespace, ...site.devices.map((device) => device.namespace)])
  ]
  return {
    backbone,
    origin,
    service,
    sites,
    namespaces,
    build: [
      ...namespaces.flatMap(bare),
      forwarding(backbone),
      ...farHost(backbone, "origin", origin, options, means),
      ...farHost(backbone, "service", service, options, means),
      ...sites.flatMap((site) => siteCommands(backbone, site, options, means))
    ]
  }
}

/** A namespace with nothing but itself; without IPv6, whose chatter would be counted. */
export const bare = (namespace: string): ReadonlyArray<Command> => [
  typed(`ip netns add ${namespace}`),
  write(namespace, "ipv6/conf/all/disable_ipv6", 1),
  write(namespace, "ipv6/conf/default/disable_ipv6", 1),
  typed(`ip -n ${namespace} link set dev lo up`)
]

/** Under /proc/sys/net, where each namespace sees its own. A kernel without IPv6 has nothing to switch off. */
export const write = (namespace: string, key: string, value: number | string): Command => [
  ...typed(`ip netns exec ${namespace} sh -c`),
  `if [ -e /proc/sys/net/${key} ]; then echo ${value} > /proc/sys/net/${key}; fi`
]

export const forwarding = (namespace: string): Command => write(namespace, "ipv4/ip_forward", 1)

export interface End {
  readonly namespace: string
  readonly dev: string
  /** With the length of its network: "192.168.1.2/24"; none for the port of a switch. */
  readonly address?: string
}

/** A cable with an end in either namespace. */
export const cable = (a: End, b: End): ReadonlyArray<Command> => [
  typed(`ip link add ${a.dev} netns ${a.namespace} type veth peer name ${b.dev} netns ${b.namespace}`),
  ...[a, b].flatMap(({ address, dev, namespace }): ReadonlyArray<Command> => [
    ...(address === undefined ? [] : [typed(`ip -n ${namespace} address add ${address} dev ${dev}`)]),
    typed(`ip -n ${namespace} link set dev ${dev} up`)
  ])
]

export const defaultRoute = (namespace: string, via: string, tcp = ""): Command =>
  typed(`ip -n ${namespace} route add default via ${via}${tcp}`)

/**
 * How a host sends: as systems do by default, whatever this machine is set to. BBR wakes a timer for each few frames, which
 * thirty devices on one machine pay for together. By route, because a namespace may not choose what the machine does not allow.
 */
const tcpOf = ({ hasCubic }: Means): string => (hasCubic ? " congctl cubic" : "")

/** The address before this one: the backbone's end of a link of two. */
const before = (address: string): string => {
  const bytes = address.split(".")
  return [...bytes.slice(0, 3), Number(bytes[3]) - 1].join(".")
}

/** The route to its own network, which the system has made, once more with how to send there. */
const neighboursBy = ({ address, namespace }: Host, tcp: string): Command => {
  const network = [...address.split(".").slice(0, 3), 0].join(".")
  return typed(`ip -n ${namespace} route change ${network}/24 dev eth0 proto kernel scope link src ${address}${tcp}`)
}

/** A host on the far side, half a round trip away either way. */
const farHost = (
  backbone: string,
  port: string,
  host: Host,
  options: SiteOptions,
  means: Means
): ReadonlyArray<Command> => [
  ...cable(
    { namespace: host.namespace, dev: "eth0", address: `${host.address}/30` },
    { namespace: backbone, dev: port, address: `${before(host.address)}/30` }
  ),
  defaultRoute(host.namespace, before(host.address), tcpOf(means)),
  Shaping.frameByFrame(host.namespace, "eth0"),
  Shaping.frameByFrame(backbone, port),
  ...(means.delayBy === "netem"
    ? [
        ...Shaping.delay(host.namespace, "eth0", options.rttMillis / 2),
        ...Shaping.delay(backbone, port, options.rttMillis / 2)
      ]
    : [])
]

const siteCommands = (backbone: string, site: Site, options: SiteOptions, means: Means): ReadonlyArray<Command> => [
  ...cable(
    { namespace: site.router, dev: "wan", address: `${site.external}/30` },
    { namespace: backbone, dev: site.line, address: `${before(site.external)}/30` }
  ),
  defaultRoute(site.router, before(site.external)),
  forwarding(site.router),
  ...Shaping.masquerade(site.router, "wan", means.firewall),
  Shaping.frameByFrame(site.router, "wan"),
  Shaping.frameByFrame(backbone, site.line),
  ...Shaping.limit(backbone, site.line, "wan", options.wan),
  ...Shaping.limit(site.router, "wan", "wan", options.wan),
  typed(`ip -n ${site.router} link add lan type bridge`),
  typed(`ip -n ${site.router} address add ${before(site.helper.address)}/24 dev lan`),
  typed(`ip -n ${site.router} link set dev lan up`),
  // A switch does not look into packets, and NAT is the line's matter.
  write(site.router, "bridge/bridge-nf-call-iptables", 0),
  ...onLan(site, "helper", site.helper, options.helperLan ?? options.lan, options, means),
  ...site.devices.flatMap((device, i) => [
    ...onLan(site, `d${i + 1}`, device, options.lan, options, means),
    ...Shaping.lose(device.namespace, "eth0", options.loss, means.firewall)
  ])
]

/** A host at a port of the site's switch. Where frames get lost they leave one by one, or 64 KiB would be lost at once. */
const onLan = (
  site: Site,
  port: string,
  host: Host,
  rate: number,
  options: SiteOptions,
  means: Means
): ReadonlyArray<Command> => [
  ...cable(
    { namespace: host.namespace, dev: "eth0", address: `${host.address}/24` },
    { namespace: site.router, dev: port }
  ),
  typed(`ip -n ${site.router} link set dev ${port} master lan`),
  ...(means.hasCubic ? [neighboursBy(host, tcpOf(means))] : []),
  defaultRoute(host.namespace, before(site.helper.address), tcpOf(means)),
  ...(options.loss > 0 ? [Shaping.frameByFrame(host.namespace, "eth0"), Shaping.frameByFrame(site.router, port)] : []),
  ...Shaping.limit(host.namespace, "eth0", "port", rate),
  ...Shaping.limit(site.router, port, "port", rate)
]
