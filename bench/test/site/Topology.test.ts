import { assert, describe, it } from "@effect/vitest"
import * as Shaping from "../../src/site/Shaping.ts"
import * as Shell from "../../src/site/Shell.ts"
import type { SiteOptions } from "../../src/site/SiteOptions.ts"
import * as Topology from "../../src/site/Topology.ts"

const options: SiteOptions = {
  devices: 2,
  sites: 2,
  bytes: 20_000_000,
  wan: 100e6,
  lan: 1e9,
  rttMillis: 20,
  loss: 0,
  churn: 0,
  staggerMillis: 0,
  service: "up"
}
const lines = (more: Partial<SiteOptions>, means: Partial<Topology.Means> = {}) =>
  Topology.plan(
    "p-",
    { ...options, ...more },
    { firewall: "nft", delayBy: "netem", hasCubic: true, ...means }
  ).build.map((command) => command.join(" "))

const netem = (means: Partial<Topology.Means>) => lines({}, means).filter((line) => line.includes("netem"))
const losses = (loss: number) => lines({ loss }).filter((line) => line.includes("numgen"))

describe("Topology", () => {
  it("gives each site one outer address of its own, and each device one on its LAN", () => {
    const { sites } = Topology.plan("p-", options, { firewall: "nft", delayBy: "none", hasCubic: true })
    assert.deepStrictEqual(
      sites.map(({ external }) => external),
      ["198.51.100.2", "198.51.100.6"]
    )
    assert.deepStrictEqual(
      sites.flatMap(({ devices }) => devices.map(({ address }) => address)),
      ["192.168.1.11", "192.168.1.12", "192.168.2.11", "192.168.2.12"]
    )
  })

  it("makes every namespace that it names once, and no interface outside of them", () => {
    const { build, namespaces } = Topology.plan("p-", options, { firewall: "nft", delayBy: "netem", hasCubic: true })
    assert.strictEqual(new Set(namespaces).size, 3 + 2 * (2 + options.devices))
    assert.deepStrictEqual(
      build.filter((command) => command.slice(0, 3).join(" ") === "ip netns add").map((command) => command[3]),
      [...namespaces]
    )
    for (const command of build) {
      const isInside =
        command[1] === "-n" || command[1] === "netns" || command.filter((word) => word === "netns").length === 2
      assert.isTrue(isInside, command.join(" "))
    }
  })

  it("fits the most devices and sites into the addresses there are", () => {
    const { sites } = Topology.plan(
      "p-",
      { ...options, devices: 200, sites: 16 },
      { firewall: "nft", delayBy: "none", hasCubic: true }
    )
    assert.strictEqual(sites.at(-1)?.devices.at(-1)?.address, "192.168.16.210")
    assert.strictEqual(sites.at(-1)?.external, "198.51.100.62")
  })

  it("hides a LAN behind its router, whatever firewall there is", () => {
    assert.include(lines({}).join("\n"), "p-s2-router nft add rule ip nat leaving oifname wan masquerade")
    assert.include(lines({}, { firewall: "iptables" }).join("\n"), "p-s2-router iptables -t nat -A POSTROUTING -o wan")
  })

  it("delays half a round trip each way, where the kernel can", () => {
    assert.deepStrictEqual(netem({}), [
      "tc -n p-origin qdisc add dev eth0 root netem delay 10000us limit 1000000",
      "tc -n p-backbone qdisc add dev origin root netem delay 10000us limit 1000000",
      "tc -n p-service qdisc add dev eth0 root netem delay 10000us limit 1000000",
      "tc -n p-backbone qdisc add dev service root netem delay 10000us limit 1000000"
    ])
    assert.deepStrictEqual(netem({ delayBy: "none" }), [])
  })

  it("lets each host send by CUBIC, near and far, where the kernel has it", () => {
    const routes = (hasCubic: boolean) => lines({}, { hasCubic }).filter((line) => line.includes("congctl cubic"))
    assert.include(
      routes(true),
      "ip -n p-s1-d1 route change 192.168.1.0/24 dev eth0 proto kernel scope link src 192.168.1.11 congctl cubic"
    )
    assert.include(routes(true), "ip -n p-s1-d1 route add default via 192.168.1.1 congctl cubic")
    // Devices and helpers twice each, origin and service once.
    assert.strictEqual(routes(true).length, 2 * 2 * 3 + 2)
    assert.deepStrictEqual(routes(false), [])
    assert.isFalse(lines({}, { hasCubic: false }).some((line) => line.includes("route change")))
  })

  it("loses frames on the way into each device, and only when asked", () => {
    assert.deepStrictEqual(losses(0), [])
    assert.strictEqual(losses(0.01).length, 4)
    assert.include(losses(0.01)[0], "iifname eth0 numgen random mod 1000000 < 10000 counter drop")
  })
})

const rates = (port: string) =>
  lines({ sites: 1, helperLan: 10e9 })
    .filter((line) => line.includes(`dev ${port} parent 1:`) && line.includes("htb rate"))
    .map((line) => /rate (\d+)bit/.exec(line)?.[1])

describe("A helper with a fatter link", () => {
  it("has its own rate at both ends, and devices keep theirs", () => {
    assert.deepStrictEqual(rates("helper"), ["10000000000"])
    assert.deepStrictEqual(rates("d1"), ["1000000000"])
    assert.deepStrictEqual(rates("eth0"), ["10000000000", "1000000000", "1000000000"])
  })
})

describe("Shaping", () => {
  it("gives a line its rate both ways, with 100 ms of queue before it", () => {
    assert.deepStrictEqual(
      Shaping.limit("n", "wan", "wan", 100e6).map((command) => command.join(" ")),
      [
        "tc -n n qdisc add dev wan root handle 1: htb default 1",
        "tc -n n class add dev wan parent 1: classid 1:1 htb rate 100000000bit ceil 100000000bit burst 6000 cburst 6000 quantum 1514",
        "tc -n n qdisc add dev wan parent 1:1 bfifo limit 1250000"
      ]
    )
  })

  it("keeps queues between the largest burst and what a switch has", () => {
    assert.strictEqual(Shaping.queueBytes("wan", 1e6), 150_000)
    assert.strictEqual(Shaping.queueBytes("port", 100e6), 250_000)
    assert.strictEqual(Shaping.queueBytes("port", 10e9), 1_000_000)
  })
})

describe("Shell", () => {
  it("quotes what the shell would read otherwise", () => {
    assert.strictEqual(Shell.quote("dev=eth0"), "dev=eth0")
    assert.strictEqual(Shell.quote("it's $1"), `'it'\\''s $1'`)
    assert.strictEqual(Shell.quote(""), "''")
  })

  it("stops at the first command that fails, and says which", () => {
    assert.strictEqual(
      Shell.script([Shell.typed("ip -V"), ["nft", "add table"]]),
      "ip -V || { echo 'failed: ip -V' >&2; exit 1; }\nnft 'add table' || { echo 'failed: nft '\\''add table'\\''' >&2; exit 1; }\n"
    )
  })
})
