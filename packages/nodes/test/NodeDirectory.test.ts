import { assert, layer } from "@effect/vitest"
import { anonymous, local } from "@piecework/cloud/Identity"
import { Clock, Duration, Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import { Heartbeats } from "../src/Heartbeats.ts"
import { recordOf } from "../src/Node.ts"
import { NodeDirectory } from "../src/NodeDirectory.ts"
import { Nodes } from "../src/Nodes.ts"
import * as NodesConfig from "../src/NodesConfig.ts"
import { beat, change, deployed, settings } from "./support/heartbeats.ts"

/** Days pass here, so it looks less often than it does in earnest. */
const refreshEvery = Duration.minutes(1)

const rooms = Layer.merge(Heartbeats.layer, NodeDirectory.layer).pipe(
  Layer.provideMerge(Nodes.layerMemory),
  Layer.provide(NodesConfig.layer({ refreshEvery }))
)

const healthOf = (name: string) =>
  Effect.gen(function* () {
    const node = Option.getOrThrow(yield* Nodes.use((nodes) => nodes.find(name)))
    return recordOf(node, yield* Clock.currentTimeMillis).health
  })

/** What a device there is told, once changes were looked for. */
const toldAt = (externalIp: string) =>
  Effect.gen(function* () {
    yield* TestClock.adjust(refreshEvery)
    const { serversFor } = yield* NodeDirectory
    return serversFor({ externalIp, identity: anonymous }).map(({ host, port }) => `${host}:${port}`)
  })

layer(rooms)("The directory of cache nodes", (spec) => {
  spec.effect("names nobody while there is no node", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* toldAt("198.51.100.7"), [])
      assert.deepStrictEqual(yield* toldAt("unknown"), [])
    })
  )

  spec.effect("names those first that were heard in the last 24 hours", () =>
    Effect.gen(function* () {
      const nodes = yield* Nodes
      yield* nodes.create(local, settings("a day", { ranges: ["198.51.100.0/24"] }))
      yield* nodes.create(local, settings("spare", { ranges: ["198.51.0.0/16"] }))
      assert.strictEqual(yield* healthOf("a day"), "NeverSeen")
      assert.deepStrictEqual(yield* toldAt("198.51.100.7"), [])
      const device = yield* deployed("a day")
      const spare = yield* deployed("spare")
      yield* beat(device)
      yield* beat(spare, { addresses: ["10.1.0.10"] })
      assert.strictEqual(yield* healthOf("a day"), "Healthy")
      assert.deepStrictEqual(yield* toldAt("198.51.100.7"), ["10.1.0.9:80", "10.1.0.10:80"])
      assert.deepStrictEqual(yield* toldAt("198.51.101.7"), ["10.1.0.10:80"])
      assert.deepStrictEqual(yield* toldAt("192.0.2.1"), [])
      yield* TestClock.adjust("12 hours")
      yield* beat(spare, { addresses: ["10.1.0.10"] })
      yield* TestClock.adjust("42900 seconds")
      assert.strictEqual(yield* healthOf("a day"), "Healthy")
      assert.deepStrictEqual(yield* toldAt("198.51.100.7"), ["10.1.0.9:80", "10.1.0.10:80"])
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual(yield* healthOf("a day"), "Silent")
      assert.deepStrictEqual(yield* toldAt("198.51.100.7"), ["10.1.0.10:80", "10.1.0.9:80"])
      yield* beat(device, { state: "Failed", issues: [{ code: "NoDrive", text: "No drive works." }] })
      assert.strictEqual(yield* healthOf("a day"), "Failed")
      assert.deepStrictEqual(yield* toldAt("198.51.100.7"), ["10.1.0.10:80"])
      yield* beat(device)
      assert.deepStrictEqual(yield* toldAt("198.51.100.7"), ["10.1.0.9:80", "10.1.0.10:80"])
    })
  )

  spec.effect("goes on naming those that say the same, however long", () =>
    Effect.gen(function* () {
      const nodes = yield* Nodes
      yield* nodes.create(local, settings("steady", { ranges: ["198.18.0.0/15"] }))
      const device = yield* deployed("steady")
      for (let hour = 0; hour < 30; hour++) {
        yield* beat(device)
        yield* TestClock.adjust("1 hour")
      }
      const { counts } = yield* NodeDirectory
      assert.isAbove((yield* counts).healthy, 0)
      assert.deepStrictEqual(yield* toldAt("198.18.1.1"), ["10.1.0.9:80"])
    })
  )

  spec.effect("names a node without ranges at the site that it comes from, and at another once it moves", () =>
    Effect.gen(function* () {
      const nodes = yield* Nodes
      yield* nodes.create(local, settings("somewhere"))
      const device = yield* deployed("somewhere")
      yield* beat(device, {}, "192.0.2.55")
      assert.deepStrictEqual(yield* toldAt("192.0.2.55"), ["10.1.0.9:80"])
      assert.deepStrictEqual(yield* toldAt("192.0.2.56"), [])
      yield* beat(device, {}, "192.0.2.56")
      assert.deepStrictEqual(yield* toldAt("192.0.2.55"), [])
      assert.deepStrictEqual(yield* toldAt("192.0.2.56"), ["10.1.0.9:80"])
    })
  )

  spec.effect("follows the operator: servers, ranges, disabled, deleted", () =>
    Effect.gen(function* () {
      const nodes = yield* Nodes
      yield* nodes.create(local, settings("said", { ranges: ["192.88.99.0/24"] }))
      const device = yield* deployed("said")
      yield* beat(device)
      const ip = "192.88.99.1"
      assert.deepStrictEqual(yield* toldAt(ip), ["10.1.0.9:80"])
      yield* nodes.update(local, "said", change({ servers: [{ host: "cache.example", port: 443, isTls: true }] }))
      assert.deepStrictEqual(yield* toldAt(ip), ["cache.example:443"])
      yield* nodes.update(local, "said", change({ isEnabled: false }))
      assert.deepStrictEqual(yield* toldAt(ip), [])
      yield* nodes.update(local, "said", change({ isEnabled: true, ranges: ["192.88.98.0/24"] }))
      assert.deepStrictEqual(yield* toldAt(ip), [])
      assert.deepStrictEqual(yield* toldAt("192.88.98.1"), ["cache.example:443"])
      yield* nodes.remove(local, "said")
      assert.deepStrictEqual(yield* toldAt("192.88.98.1"), [])
    })
  )

  spec.effect("names a node on the service's own link to devices there", () =>
    Effect.gen(function* () {
      yield* Nodes.use((nodes) => nodes.create(local, settings("linked")))
      yield* beat(yield* deployed("linked"), { addresses: ["fd00::9"] }, "fe80::1%eth0")
      assert.deepStrictEqual(yield* toldAt("fe80::2%eth0"), ["fd00::9:80"])
      assert.deepStrictEqual(yield* toldAt("10.0.0.1"), ["fd00::9:80"])
    })
  )

  spec.effect("counts the healthy, the others, and those that are switched off", () =>
    Effect.gen(function* () {
      const { counts } = yield* NodeDirectory
      const before = yield* counts
      yield* Nodes.use((nodes) => nodes.create(local, settings("off", { isEnabled: false })))
      yield* TestClock.adjust(refreshEvery)
      const { disabled, healthy, unhealthy } = before
      assert.deepStrictEqual(yield* counts, { healthy, unhealthy: unhealthy + 1, disabled: disabled + 1 })
    })
  )
})
