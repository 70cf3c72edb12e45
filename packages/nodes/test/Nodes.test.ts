import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, layer } from "@effect/vitest"
import { anonymous, local } from "@piecework/cloud/Identity"
import { Database, DatabaseConfig } from "@piecework/database"
import { TestPostgres } from "@piecework/testpostgres"
import { Audit } from "@piecework/trust/Audit"
import { Credentials } from "@piecework/trust/Credentials"
import { Clock, Effect, Layer, Option, Redacted, Result } from "effect"
import { TestClock } from "effect/testing"
import { Heartbeats } from "../src/Heartbeats.ts"
import { NodeFigures } from "../src/NodeFigures.ts"
import { Nodes } from "../src/Nodes.ts"
import * as NodesConfig from "../src/NodesConfig.ts"
import { beat, change, deployed, figures, settings } from "./support/heartbeats.ts"

/** A folder that is gone with the scope. */
const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "piecework-nodes-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const missing = await TestPostgres.missing()

const databaseIn = (where: Partial<DatabaseConfig.DatabaseConfig["Service"]>) =>
  Database.Database.layer.pipe(Layer.provide(DatabaseConfig.layer(where)))

const databases = {
  "in memory": Database.Database.layerMemory,
  "in a file": Layer.unwrap(Effect.map(folder, (directory) => databaseIn({ directory }))),
  ...(missing === undefined
    ? { "on PostgreSQL": Layer.unwrap(Effect.map(TestPostgres.url, (server) => databaseIn({ url: server }))) }
    : {})
}

const rooms = Layer.merge(Heartbeats.layer, NodeFigures.layer).pipe(
  Layer.provideMerge(Nodes.layer),
  Layer.provideMerge(Credentials.layer),
  Layer.provideMerge(Audit.layer),
  Layer.provide(NodesConfig.layer())
)

const minuteNow = Effect.map(Clock.currentTimeMillis, (now) => Math.floor(now / 60_000))

for (const [name, database] of Object.entries(databases)) {
  layer(rooms.pipe(Layer.provideMerge(database)), { timeout: "60 seconds" })(`Cache nodes ${name}`, (spec) => {
    spec.effect("are made, found by id and by name, changed and deleted, each change once in the audit log", () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(1_800_000_000_000)
        const nodes = yield* Nodes
        const made = yield* nodes.create(local, settings("first", { ranges: ["10.9.0.0/16"], cid: "100" }))
        assert.deepStrictEqual(Option.getOrThrow(yield* nodes.find("first")), made)
        assert.deepStrictEqual(Option.getOrThrow(yield* nodes.find(made.id)), made)
        yield* TestClock.adjust("1 minute")
        const changed = Option.getOrThrow(
          yield* nodes.update(local, "first", change({ name: "second", maxOutBps: 5 }, "cid"))
        )
        assert.deepStrictEqual(changed.settings, settings("second", { ranges: ["10.9.0.0/16"], maxOutBps: 5 }))
        assert.strictEqual(changed.updatedAt, made.updatedAt + 60_000)
        const again = Option.getOrThrow(yield* nodes.update(local, "second", change({ maxOutBps: 5 })))
        assert.deepStrictEqual(again, changed)
        assert.isTrue(Option.isNone(yield* nodes.find("first")))
        assert.deepStrictEqual(yield* nodes.remove(local, "second"), Option.some(made.id))
        assert.isTrue(Option.isNone(yield* nodes.remove(local, "second")))
        assert.isTrue(Option.isNone(yield* nodes.update(local, made.id, change({ maxOutBps: 6 }))))
        const entries = yield* Audit.use((audit) => audit.entries({ most: 3 }))
        assert.deepStrictEqual(
          entries.map(({ action, detail }) => [action, detail]),
          [
            ["node.delete", { name: "second" }],
            ["node.update", { before: { cid: "100", name: "first" }, after: { maxOutBps: 5, name: "second" } }],
            ["node.create", { cid: "100", isEnabled: true, name: "first", ranges: ["10.9.0.0/16"], servers: [] }]
          ]
        )
      })
    )

    spec.effect("have names of their own", () =>
      Effect.gen(function* () {
        const nodes = yield* Nodes
        yield* nodes.create(local, settings("own"))
        yield* nodes.create(local, settings("other"))
        const taken = yield* Effect.flip(nodes.create(local, settings("own")))
        assert.strictEqual(taken.message, "There is a cache node own already.")
        const renamed = yield* Effect.result(nodes.update(local, "other", change({ name: "own" })))
        assert.isTrue(Result.isFailure(renamed))
        yield* nodes.update(local, "own", change({ name: "own", isEnabled: false }))
        const some = yield* nodes.page({ most: 1 })
        const rest = yield* nodes.page({ most: 10, after: some[0]?.id })
        assert.sameMembers(
          [...some, ...rest].map((node) => node.settings.name),
          ["own", "other"]
        )
      })
    )

    spec.effect("are the devices that came by their token, and no others", () =>
      Effect.gen(function* () {
        const nodes = yield* Nodes
        const credentials = yield* Credentials
        const { id } = yield* nodes.create(local, settings("bound"))
        const stranger = yield* Effect.gen(function* () {
          const wanted = { kind: "Enrolment", name: "x", groups: [], uses: 1, expiresAt: null } as const
          const { token } = yield* credentials.issue(local, wanted)
          const { credential } = yield* credentials.enrol(Redacted.value(token), "pc")
          return { _tag: "Device", id: credential.id, groups: [] } as const
        })
        const first = yield* deployed("bound")
        assert.isTrue(Option.isNone(yield* beat(stranger)))
        assert.isTrue(Option.isNone(yield* beat(stranger, { nodeId: id })))
        assert.isTrue(Option.isNone(yield* beat(anonymous)))
        assert.isTrue(Option.isNone(yield* beat(local)))
        assert.strictEqual(Option.getOrThrow(yield* beat(first)).id, id)
        assert.strictEqual(Option.getOrThrow(yield* beat(first, { nodeId: id })).id, id)
        const other = yield* nodes.create(local, settings("another"))
        assert.isTrue(Option.isNone(yield* beat(first, { nodeId: other.id })))
        // The machine is replaced: the new one is the node with its first word, and the old one is nobody.
        const second = yield* deployed("bound")
        assert.isTrue(Option.isSome(yield* beat(first)))
        assert.isTrue(Option.isSome(yield* beat(second)))
        assert.isTrue(Option.isNone(yield* beat(first)))
        assert.isNotNull(Option.getOrThrow(yield* credentials.find(first.id)).credential.revokedAt)
        const { device, enrolment } = Option.getOrThrow(yield* nodes.find(id))
        assert.deepStrictEqual([device, enrolment], [second.id, null])
        yield* nodes.remove(local, "bound")
        assert.isTrue(Option.isNone(yield* beat(second)))
        assert.isNotNull(Option.getOrThrow(yield* credentials.find(second.id)).credential.revokedAt)
      })
    )

    spec.effect("take one token at a time: what nobody used is good for nothing after the next", () =>
      Effect.gen(function* () {
        const nodes = yield* Nodes
        yield* nodes.create(local, settings("waiting"))
        const wanted = { groups: ["lab"], lifetimeSeconds: 60 }
        const first = Option.getOrThrow(yield* nodes.deploy(local, "waiting", wanted))
        const second = Option.getOrThrow(yield* nodes.deploy(local, "waiting", wanted))
        const credentials = yield* Credentials
        const refused = yield* Effect.flip(credentials.enrol(Redacted.value(first.token), "a"))
        assert.strictEqual(refused._tag === "EnrolmentRefused" && refused.reason, "Revoked")
        const { credential } = yield* credentials.enrol(Redacted.value(second.token), "b")
        assert.deepStrictEqual(credential.groups, ["lab"])
        assert.isTrue(Option.isNone(yield* nodes.deploy(local, "nobody", wanted)))
      })
    )

    spec.effect("tell those who keep them what changed since, and to begin anew once one went", () =>
      Effect.gen(function* () {
        const nodes = yield* Nodes
        const all = yield* nodes.changes({ version: 0, most: 1000 })
        const version = all.nodes.at(-1)?.version ?? 0
        const named = (since: number) =>
          Effect.map(nodes.changes({ version: since, most: 1000 }), ({ isAnew, nodes: changed }) => [
            isAnew,
            ...changed.map((node) => node.settings.name)
          ])
        assert.deepStrictEqual(yield* named(version), [false])
        yield* nodes.create(local, settings("new"))
        yield* nodes.create(local, settings("newer"))
        assert.deepStrictEqual(yield* named(version), [false, "new", "newer"])
        assert.deepStrictEqual(
          (yield* nodes.changes({ version, most: 1 })).nodes.map((node) => node.settings.name),
          ["new"]
        )
        const device = yield* deployed("new")
        yield* beat(device)
        assert.deepStrictEqual(yield* named(version), [false, "newer", "new"])
        const then = (yield* nodes.changes({ version, most: 1000 })).nodes.at(-1)?.version ?? 0
        yield* TestClock.adjust("9 minutes")
        yield* beat(device)
        assert.deepStrictEqual(yield* named(then), [false])
        yield* TestClock.adjust("1 minute")
        yield* beat(device)
        assert.deepStrictEqual(yield* named(then), [false, "new"])
        yield* nodes.remove(local, "newer")
        assert.deepStrictEqual(yield* named(then), [true])
        assert.notInclude(yield* named(0), "newer")
      })
    )

    spec.effect("have their minutes counted once, however often they are told, and summed by the hour", () =>
      Effect.gen(function* () {
        const nodes = yield* Nodes
        const counted = yield* NodeFigures
        const node = yield* nodes.create(local, settings("counting"))
        const device = yield* deployed("counting")
        // From the beginning of an hour on.
        const now = yield* Clock.currentTimeMillis
        yield* TestClock.setTime(Math.ceil(now / 3_600_000) * 3_600_000 + 7_200_000)
        const minute = (yield* minuteNow) - 61
        const before = yield* counted.overview(24)
        const three = [minute, minute + 1, minute + 2].map((one) => figures(one))
        yield* beat(device, { figures: three })
        yield* beat(device, { figures: three })
        yield* beat(device, { figures: [figures(minute + 2, { hits: 60, bytesOut: 8_000_000 }), figures(minute + 3)] })
        const all = { node, from: 0, until: Number.MAX_SAFE_INTEGER, most: 100 }
        const minutes = yield* counted.rows({ ...all, grain: "Minute" })
        assert.deepStrictEqual(
          minutes.map(({ at, hits }) => [at / 60_000 - minute, hits]),
          [
            [0, 30],
            [1, 30],
            [2, 60],
            [3, 30]
          ]
        )
        const hours = yield* counted.rows({ ...all, grain: "Hour" })
        assert.deepStrictEqual(
          hours.map(({ hits, misses, egressbps }) => [hits, misses, egressbps]),
          [
            [30, 10, Math.round((4_000_000 * 8) / 3600)],
            [120, 30, Math.round((16_000_000 * 8) / 3600)]
          ]
        )
        const after = yield* counted.overview(24)
        assert.strictEqual(after.served - before.served, 20_000_000)
        assert.strictEqual(after.fromCache - before.fromCache, 12_000_000)
        assert.isAtLeast(after.maxOutboundbps, Math.round((8_000_000 * 8) / 60))
        // Told to be idle after all.
        const idle = { hits: 0, misses: 0, bytesOut: 0, bytesFromCache: 0, bytesFromOrigin: 0, bytesFromParents: 0 }
        yield* beat(device, { figures: [figures(minute + 2, { ...idle, bytesFromPeers: 0 })] })
        assert.strictEqual((yield* counted.overview(24)).served - before.served, 12_000_000)
        const page = yield* counted.rows({ ...all, grain: "Minute", from: (minute + 1) * 60_000, most: 1 })
        assert.deepStrictEqual(
          page.map(({ at }) => at),
          [(minute + 1) * 60_000]
        )
        yield* nodes.remove(local, "counting")
        assert.deepStrictEqual(yield* counted.rows({ ...all, grain: "Hour" }), [])
      })
    )

    spec.effect("keep no minute that is to come or long gone, none in which nothing happened, and none for ever", () =>
      Effect.gen(function* () {
        const nodes = yield* Nodes
        const counted = yield* NodeFigures
        const node = yield* nodes.create(local, settings("hoarding"))
        const device = yield* deployed("hoarding")
        const now = yield* minuteNow
        const idle = { hits: 0, misses: 0, bytesOut: 0, bytesFromOrigin: 0, bytesFromParents: 0, bytesFromPeers: 0 }
        yield* beat(device, {
          figures: [
            figures(now + 11),
            figures(now + 10),
            figures(now - 1),
            figures(now - 2, idle),
            figures(now - 43_199),
            figures(now - 43_200),
            figures(0)
          ]
        })
        const rows = (grain: "Minute" | "Hour") =>
          counted.rows({ node, grain, from: 0, until: Number.MAX_SAFE_INTEGER, most: 100 })
        assert.deepStrictEqual(
          (yield* rows("Minute")).map(({ at }) => at / 60_000 - now),
          [-43_199, -1, 10]
        )
        yield* TestClock.adjust("1 hour")
        yield* counted.sweep
        assert.deepStrictEqual(
          (yield* rows("Minute")).map(({ at }) => at / 60_000 - now),
          [-1, 10]
        )
        assert.isAtLeast((yield* rows("Hour")).length, 2)
        yield* TestClock.adjust("401 days")
        yield* counted.sweep
        assert.deepStrictEqual(yield* rows("Hour"), [])
      })
    )
  })
}
