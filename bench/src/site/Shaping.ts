/**
 * What makes an interface a line: a rate and a queue before it (`htb` over `bfifo`), a delay (`netem`) and losses. Each
 * works on what leaves the interface, so a line both ways has one at either end.
 */
import { type Command, typed } from "./Shell.ts"

/** How long a frame may wait in the queue of the line to the Internet: the usual size of such queues, in time. */
const wanQueueSeconds = 0.1

/** … and before the port of a switch: 20 ms, but no more than a common switch has for all its ports. */
const portQueueSeconds = 0.02
const largestPortQueue = 1_000_000

/** Room for the largest burst that leaves a host in one piece, so that nobody's first burst is dropped. */
const smallestQueue = 150_000

/** TCP hands an interface up to 64 KiB at once; on a LAN that saves most of the work, and htb counts the frames in it. */
const lanBurst = 131_072
const wanBurst = 6_000

export const queueBytes = (kind: "wan" | "port", bits: number): number =>
  kind === "wan"
    ? Math.max(smallestQueue, Math.round((bits / 8) * wanQueueSeconds))
    : Math.min(largestPortQueue, Math.max(smallestQueue, Math.round((bits / 8) * portQueueSeconds)))

/** Everything that leaves the interface goes at this rate; so many bytes may wait. */
export const limit = (
  namespace: string,
  dev: string,
  kind: "wan" | "port",
  bits: number,
  queue = queueBytes(kind, bits)
): ReadonlyArray<Command> => {
  const burst = kind === "wan" ? wanBurst : lanBurst
  const quantum = kind === "wan" ? 1514 : 60_000
  return [
    `qdisc add dev ${dev} root handle 1: htb default 1`,
    `class add dev ${dev} parent 1: classid 1:1 htb rate ${bits}bit ceil ${bits}bit burst ${burst} cburst ${burst} quantum ${quantum}`,
    `qdisc add dev ${dev} parent 1:1 bfifo limit ${queue}`
  ].map((text) => typed(`tc -n ${namespace} ${text}`))
}

/** Everything that leaves the interface arrives so much later. The limit is never reached: queues are elsewhere. */
export const delay = (namespace: string, dev: string, millis: number): ReadonlyArray<Command> =>
  millis === 0
    ? []
    : [typed(`tc -n ${namespace} qdisc add dev ${dev} root netem delay ${Math.round(millis * 1000)}us limit 1000000`)]

/** Frames leave one by one, as on a wire, so that counters and losses are of frames. */
export const frameByFrame = (namespace: string, dev: string): Command =>
  typed(`ip -n ${namespace} link set dev ${dev} gso_max_segs 1`)

export type Firewall = "nft" | "iptables"

const inside = (namespace: string, ...command: Command): Command => ["ip", "netns", "exec", namespace, ...command]

/** Whatever leaves through the interface comes from its one address. */
export const masquerade = (namespace: string, dev: string, firewall: Firewall): ReadonlyArray<Command> =>
  firewall === "nft"
    ? [
        inside(namespace, "nft", "add table ip nat"),
        inside(namespace, "nft", "add chain ip nat leaving { type nat hook postrouting priority 100 ; }"),
        inside(namespace, "nft", `add rule ip nat leaving oifname ${dev} masquerade`)
      ]
    : [inside(namespace, ...typed(`iptables -t nat -A POSTROUTING -o ${dev} -j MASQUERADE`))]

/** Loses this share of what arrives, before anything else sees it. */
export const lose = (namespace: string, dev: string, share: number, firewall: Firewall): ReadonlyArray<Command> => {
  if (share === 0) return []
  const million = Math.max(1, Math.round(share * 1e6))
  return firewall === "nft"
    ? [
        inside(namespace, "nft", "add table ip loss"),
        inside(namespace, "nft", "add chain ip loss arriving { type filter hook prerouting priority -300 ; }"),
        inside(
          namespace,
          "nft",
          `add rule ip loss arriving iifname ${dev} numgen random mod 1000000 < ${million} counter drop`
        )
      ]
    : [
        inside(
          namespace,
          ...typed(
            `iptables -t raw -A PREROUTING -i ${dev} -m statistic --mode random --probability ${(million / 1e6).toFixed(6)} -j DROP`
          )
        )
      ]
}
