import { assert, layer } from "@effect/vitest"
import { mostRanges, NodeId } from "@piecework/cloud/CacheNode"
import { CacheNodeAdminRpcs } from "@piecework/cloud/CacheNodeAdminRpcs"
import { CacheNodeRpcs, mostMinutes } from "@piecework/cloud/CacheNodeRpcs"
import { Caller, CallerMiddleware } from "@piecework/cloud/Caller"
import { anonymous, type Identity, type OperatorScope } from "@piecework/cloud/Identity"
import { Credentials } from "@piecework/trust/Credentials"
import { Context, Effect, Layer, Redacted } from "effect"
import { RpcClient, type RpcClientError, type RpcGroup, RpcTest } from "effect/rpc"
import { TestClock } from "effect/testing"
import * as HeartbeatHandlers from "../src/HeartbeatHandlers.ts"
import { Heartbeats } from "../src/Heartbeats.ts"
import * as NodeAdminHandlers from "../src/NodeAdminHandlers.ts"
import { NodeFigures } from "../src/NodeFigures.ts"
import { Nodes } from "../src/Nodes.ts"
import * as NodesConfig from "../src/NodesConfig.ts"
import { change, figures, heartbeat, settings } from "./support/heartbeats.ts"

const operator = (...scopes: ReadonlyArray<OperatorScope>): Identity => ({ _tag: "Operator", id: "ann", scopes })

/** A header in place of a token: who it is, in JSON. */
const whoHeader = "x-test-identity"
const middleware = Layer.succeed(CallerMiddleware, (effect, { headers }) =>
  Effect.provideService(effect, Caller, {
    externalIp: "203.0.113.9",
    baseUrl: "http://service.test",
    identity: headers[whoHeader] === undefined ? anonymous : (JSON.parse(headers[whoHeader]) as Identity)
  })
)
const as = (identity: Identity) => RpcClient.withHeaders({ [whoHeader]: JSON.stringify(identity) })
const admin = as(operator("Admin"))

const group = CacheNodeAdminRpcs.merge(CacheNodeRpcs)

class Client extends Context.Service<
  Client,
  RpcClient.RpcClient<RpcGroup.Rpcs<typeof group>, RpcClientError.RpcClientError>
>()("@piecework/nodes/test/Client") {}

const rooms = Layer.effect(Client, RpcTest.makeClient(group)).pipe(
  Layer.provideMerge([NodeAdminHandlers.layer, HeartbeatHandlers.layer, middleware]),
  Layer.provideMerge([Heartbeats.layer, NodeFigures.layer]),
  Layer.provideMerge(Nodes.layerMemory),
  Layer.provide(NodesConfig.layer())
)

type Call = Effect.Effect<unknown, { readonly _tag: string; readonly message: string }>

/** Which of the calls that caller may make. */
const allowed = (who: Identity, calls: ReadonlyArray<Call>) =>
  Effect.forEach(calls, (call) => Effect.map(Effect.result(as(who)(call)), ({ _tag }) => _tag === "Success"))

layer(rooms)("The calls about cache nodes", (spec) => {
  spec.effect("want Read to look and Admin to change", () =>
    Effect.gen(function* () {
      const client = yield* Client
      const node = "scoped"
      yield* admin(client.Create({ settings: settings(node) }))
      const looks = [
        client.List({ most: 1 }),
        client.Show({ node }),
        client.Metrics({ node, grain: "Hour", from: 0, until: 1, most: 1 }),
        client.Overview({ hours: 1 })
      ]
      const changes = [
        client.Create({ settings: settings("more") }),
        client.Update({ node, change: change({ isEnabled: false }) }),
        client.Deployment({ node, groups: [], lifetimeSeconds: 60 }),
        client.Delete({ node })
      ]
      const nobody = [anonymous, { _tag: "Device", id: "d", groups: [] } as const, operator("Publish", "Enrol")]
      for (const who of nobody) {
        assert.deepStrictEqual(yield* allowed(who, [...looks, ...changes]), Array(8).fill(false))
      }
      assert.deepStrictEqual(yield* allowed(operator("Read"), looks), Array(4).fill(true))
      assert.deepStrictEqual(yield* allowed(operator("Read"), changes), Array(4).fill(false))
      assert.deepStrictEqual(yield* allowed(operator("Admin"), [...looks, ...changes]), Array(8).fill(true))
    })
  )

  spec.effect("say which node there is none of", () =>
    Effect.gen(function* () {
      const client = yield* Client
      const node = NodeId.make("0000000000000000")
      const calls: ReadonlyArray<Call> = [
        client.Show({ node }),
        client.Delete({ node }),
        client.Update({ node, change: change({}) }),
        client.Deployment({ node, groups: [], lifetimeSeconds: 60 }),
        client.Metrics({ node, grain: "Minute", from: 0, until: 1, most: 1 })
      ]
      for (const call of calls) {
        const error = yield* Effect.flip(admin(call))
        assert.strictEqual(error.message, "There is no cache node 0000000000000000.")
      }
    })
  )

  spec.effect("lead from a node that is made to a machine that is told what to do", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_800_000_000_000)
      const client = yield* Client
      const work = {
        origins: ["*.cdn.example"],
        parents: [{ host: "up.example", port: 80, isTls: false }],
        maxOutBps: 1_000_000,
        cid: "100"
      }
      yield* admin(client.Create({ settings: settings("office", work) }))
      const { serviceUrl, token } = yield* admin(
        client.Deployment({ node: "office", groups: ["lab", "lab"], lifetimeSeconds: 60 })
      )
      assert.strictEqual(serviceUrl, "http://service.test")
      const { credential } = yield* Credentials.use((credentials) =>
        credentials.enrol(Redacted.value(token), "cache-1")
      )
      assert.deepStrictEqual(credential.groups, ["lab"])
      const node = as({ _tag: "Device", id: credential.id, groups: ["lab"] })
      const reply = yield* node(client.Heartbeat(heartbeat({ figures: [figures(29_999_998), figures(29_999_999)] })))
      assert.deepStrictEqual(
        [reply.name, reply.isEnabled, { ...reply.work }, reply.takenUntil, reply.now],
        ["office", true, work, 29_999_999, 1_800_000_000_000]
      )
      assert.strictEqual((yield* node(client.Heartbeat(heartbeat()))).takenUntil, undefined)
      yield* admin(client.Update({ node: "office", change: change({ isEnabled: false }, "cid", "parents") }))
      const later = yield* node(client.Heartbeat(heartbeat({ nodeId: reply.nodeId })))
      assert.deepStrictEqual(
        [later.isEnabled, { ...later.work }],
        [false, { origins: work.origins, maxOutBps: work.maxOutBps }]
      )
      const shown = yield* admin(client.Show({ node: reply.nodeId }))
      assert.deepStrictEqual([shown.health, shown.device], ["Healthy", credential.id])
      assert.strictEqual(shown.lastHeartbeat?.externalIp, "203.0.113.9")
      const rows = yield* admin(
        client.Metrics({ node: "office", grain: "Hour", from: 0, until: 1_900_000_000_000, most: 10 })
      )
      assert.deepStrictEqual(
        rows.map(({ hits, hostName }) => [hits, hostName]),
        [[60, "cache-1"]]
      )
      const { healthy, cacheEfficiency } = yield* admin(client.Overview({ hours: 1 }))
      assert.deepStrictEqual([healthy, cacheEfficiency], [1, 75])
      yield* admin(client.Delete({ node: "office" }))
      const refused = yield* Effect.flip(node(client.Heartbeat(heartbeat())))
      assert.strictEqual(refused._tag === "RequestRefused" && refused.reason, "NotAllowed")
    })
  )

  spec.effect("take every list at its longest, and every figure at its largest", () =>
    Effect.gen(function* () {
      const client = yield* Client
      const ranges = Array.from({ length: mostRanges }, (_, n) => `10.${n}.0.0/16`)
      const origins = Array.from({ length: 128 }, (_, n) => `${"a".repeat(200)}${n}.example`)
      const made = yield* admin(client.Create({ settings: settings("large", { ranges, origins }) }))
      assert.strictEqual(made.settings.ranges.length, mostRanges)
      const { token } = yield* admin(client.Deployment({ node: "large", groups: [], lifetimeSeconds: 60 }))
      const { credential } = yield* Credentials.use((credentials) => credentials.enrol(Redacted.value(token), "x"))
      const most = 2 ** 43
      const now = 30_000_000
      const largest = {
        hits: 1e9,
        misses: 1e9,
        bytesOut: most,
        bytesFromCache: most,
        bytesFromOrigin: most,
        bytesFromParents: most,
        bytesFromPeers: most,
        maxOutBps: most,
        maxInBps: most
      }
      const all = Array.from({ length: mostMinutes }, (_, n) => figures(now - n, largest))
      const node = as({ _tag: "Device", id: credential.id, groups: [] })
      assert.strictEqual((yield* node(client.Heartbeat(heartbeat({ figures: all })))).takenUntil, now)
      const rows = yield* admin(
        client.Metrics({ node: "large", grain: "Hour", from: 0, until: 2_000_000_000_000, most: 100 })
      )
      assert.strictEqual(
        rows.reduce((sum, { hits }) => sum + hits, 0),
        mostMinutes * 1e9
      )
      assert.isAtLeast((yield* admin(client.Overview({ hours: 24 }))).served, most)
    })
  )
})
