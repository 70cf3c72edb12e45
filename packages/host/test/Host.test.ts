import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { totalmem, tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Host } from "../src/Host.ts"
import { isVpn, type NetworkInterface } from "../src/NetworkInterface.ts"
import * as Power from "../src/Power.ts"

/** A machine's files, gone with the scope. */
const machine = (files: { readonly [path: string]: string }) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const root = mkdtempSync(join(tmpdir(), "piecework-host-"))
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(root, path)), { recursive: true })
        writeFileSync(join(root, path), text)
      }
      return root
    }),
    (root) => Effect.sync(() => rmSync(root, { recursive: true, force: true }))
  )

const question = { cacheFolder: join(tmpdir(), "not", "made", "yet"), vpnKeywords: [] }
const supplies = (names: { readonly [file: string]: string }) =>
  machine(
    Object.fromEntries(Object.entries(names).map(([file, text]) => [`sys/class/power_supply/${file}`, `${text}\n`]))
  )

const powerOf = (root: string) =>
  Effect.provide(
    Effect.flatMap(Host, (host) => Effect.map(host.facts(question), ({ power }) => power)),
    Host.layer({ root })
  )
const dhcpOf = (root: string) =>
  Effect.provide(
    Effect.flatMap(Host, (host) => host.dhcp),
    Host.layer({ root })
  )

describe("A device", () => {
  it.live("tells its memory, and the size of the disk of a folder that is not made yet", () =>
    Effect.gen(function* () {
      const { disk, memory } = yield* (yield* Host).build(question)
      assert.strictEqual(memory, totalmem())
      assert.isAbove(disk ?? 0, 1_000_000)
    }).pipe(Effect.provide(Host.layer()))
  )

  it.live("on battery tells the charge, and plugged in that it is", () =>
    Effect.gen(function* () {
      const battery = {
        "BAT0/type": "Battery",
        "BAT0/status": "Discharging",
        "BAT0/capacity": "37",
        "BAT0/present": "1"
      }
      assert.deepStrictEqual(yield* powerOf(yield* supplies({ ...battery, "AC/type": "Mains", "AC/online": "0" })), {
        percent: 37
      })
      assert.strictEqual(yield* powerOf(yield* supplies({ ...battery, "AC/type": "Mains", "AC/online": "1" })), "Mains")
      assert.isUndefined(yield* powerOf(yield* machine({})))
    })
  )

  it.live("tells what DHCP said, from whichever client left it", () =>
    Effect.gen(function* () {
      const networkd = yield* machine({
        "run/systemd/netif/leases/2": "DOMAINNAME=lab.example\nOPTION_235=6361636865\n"
      })
      assert.deepStrictEqual(yield* dhcpOf(networkd), { group: undefined, cacheHosts: "cache", domain: "lab.example" })
      const dhclient = yield* machine({
        "var/lib/dhcp/dhclient.eth0.leases": 'lease {\n  option unknown-234 "group";\n}\n',
        "var/lib/dhcp/other": "OPTION_234=00"
      })
      assert.strictEqual((yield* dhcpOf(dhclient)).group, "group")
    })
  )

  it.live("reads of a long file of leases the end", () =>
    Effect.gen(function* () {
      const filler = 'lease {\n  option unknown-234 "old";\n}\n'.repeat(20_000)
      const root = yield* machine({
        "var/lib/dhcp/dhclient.leases": `${filler}lease {\n  option unknown-234 "new";\n}\n`
      })
      const { group } = yield* Effect.provide(
        Effect.flatMap(Host, (host) => host.dhcp),
        Host.layer({ root })
      )
      assert.strictEqual(group, "new")
    })
  )
})

const one = (changes: Partial<NetworkInterface>): NetworkInterface => ({
  name: "eth0",
  alias: "",
  isLoopback: false,
  addresses: [{ address: "10.0.0.7", netmask: "255.255.255.0", family: "IPv4" }],
  hardware: 1,
  kind: undefined,
  ...changes
})

describe("An interface", () => {
  const keywords = ["VPN", "Secure"]

  it.each([
    ["an Ethernet card", one({}), false],
    ["a WireGuard tunnel", one({ name: "wg0", kind: "wireguard", hardware: 65_534 }), true],
    ["a tun device", one({ name: "tun0", hardware: 65_534 }), true],
    ["a PPP link", one({ name: "ppp0", hardware: 512 }), true],
    ["a keyword in the name, whatever its case", one({ name: "corpvpn1" }), true],
    ["a keyword in the alias", one({ alias: "secure line" }), true],
    ["a tunnel without an address", one({ hardware: 65_534, addresses: [] }), false],
    ["the loopback, whatever it is called", one({ name: "vpn", isLoopback: true }), false],
    ["a bridge of a platform that tells no kinds", one({ name: "br0", hardware: undefined, kind: "bridge" }), false]
  ])("that is %s", (_, given, expected) => assert.strictEqual(isVpn(given, keywords), expected))

  it("is no VPN for an empty keyword", () => assert.isFalse(isVpn(one({}), [""])))
})

describe("Power", () => {
  const none = {
    type: undefined,
    scope: undefined,
    online: undefined,
    status: undefined,
    capacity: undefined,
    present: undefined
  }
  const battery = { ...none, type: "Battery", status: "Discharging", capacity: "50" }

  it.each([
    ["of a device without batteries is mains", [], "Mains"],
    ["of a mouse's battery does not count", [{ ...battery, scope: "Device" }], "Mains"],
    ["of an empty bay does not count", [{ ...battery, present: "0" }], "Mains"],
    ["of the fullest of several batteries counts", [battery, { ...battery, capacity: "80" }], { percent: 80 }],
    ["of a full battery that gives nothing is mains", [{ ...battery, status: "Full" }], "Mains"],
    ["over USB is mains", [battery, { ...none, type: "USB", online: "1" }], "Mains"],
    ["of a battery that does not tell its charge is unknown", [{ ...battery, capacity: "?" }], undefined]
  ] as const)("%s", (_, supplied, expected) => assert.deepStrictEqual(Power.of(supplied), expected))
})
