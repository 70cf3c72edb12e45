import { assert, describe, it } from "@effect/vitest"
import { JoinRequest } from "@piecework/cloud/ArrayRpcs"
import { EndpointUrl } from "@piecework/cloud/Fields"
import { paths } from "@piecework/cloud/Role"
import { Database } from "@piecework/database/Database"
import * as DatabaseConfig from "@piecework/database/DatabaseConfig"
import * as Postgres from "@piecework/database/Postgres"
import type { ContentId } from "@piecework/domain/Content"
import { Peer } from "@piecework/domain"
import { TestPostgres } from "@piecework/testpostgres"
import { World } from "@piecework/testkit"
import { Context, Effect, Layer, type Redacted, Schedule } from "effect"
import { EntityId, Sharding } from "effect/cluster"
import { clientOf } from "./Client.ts"
import * as Cluster from "../src/cluster/Cluster.ts"
import * as Fleet from "./Fleet.ts"

const missing = await TestPostgres.missing()

/** An interval of members that download, with its jitter, in seconds. Source: `Pace`. */
const interval = 36

/** Seconds until another runner has what a dead one had. */
const takeover = 8

/** Seconds by which everything may be late where much else runs on the machine. */
const patience = 15

/** Waits until that is so, but no longer than so many milliseconds. */
const until = (isSo: () => boolean, millis: number) =>
  Effect.sync(isSo).pipe(
    Effect.repeat({ until: (so) => so, schedule: Schedule.spaced("100 millis") }),
    Effect.timeoutOption(millis)
  )

const metadata = `http://${World.serviceHost}`

describe.skipIf(missing !== undefined)("A cluster", () => {
  it.live("loses a runner and then its database for ten seconds, and no download and no swarm with them", () =>
    Effect.gen(function* () {
      const server = yield* TestPostgres.make
      const database = yield* server.database
      const processes = yield* Effect.forEach([1, 2, 3], () => Fleet.process(database, { metadata }), {
        concurrency: "unbounded"
      })
      const frontEnds = processes.map(({ url }) => url)
      const fleet = yield* Fleet.make(database, frontEnds, { seconds: 55 })
      yield* Effect.sleep("5 seconds")
      const owner = yield* ownerOf(database, fleet.contentId)
      const victim = processes.find(({ runner }) => runner === owner)
      if (victim === undefined) return yield* Effect.die(`no runner has the swarm, but ${owner}`)
      victim.process.kill("SIGKILL")
      const killed = Date.now()
      yield* Effect.promise(() => victim.ended)

      yield* Effect.sleep("10 seconds")
      yield* server.crash
      yield* Effect.sleep("10 seconds")
      yield* server.start

      const left = killed + (takeover + interval + patience) * 1000 - Date.now()
      yield* until(() => silentSince(fleet, killed).length === 0, left)
      assert.lengthOf(silentSince(fleet, killed), 0, "all joined again within an interval of the swarm's being back")
      for (const { url } of processes.filter((one) => one !== victim)) {
        assert.strictEqual(yield* membersAt(url, fleet.contentId), Fleet.devices, "in one swarm, whomever one asks")
      }
      assert.notStrictEqual(yield* ownerOf(database, fleet.contentId), owner)
      yield* expectWhole(fleet)
    })
  )

  it.live("loses one of two front ends, and its devices are at the other at once", () =>
    Effect.gen(function* () {
      const database = yield* TestPostgres.url
      const [one, two] = yield* Effect.all(
        [
          Fleet.process(database, { metadata, isRunner: false }),
          Fleet.process(database, { metadata, isRunner: false }),
          Fleet.process(database, { metadata })
        ],
        { concurrency: "unbounded" }
      )
      const fleet = yield* Fleet.make(database, [one.url, two.url], { seconds: 25 })
      yield* Effect.sleep("5 seconds")
      // Of the two, the one that the devices of this site are sent to first.
      const named = yield* arraysAt(one.url, fleet.contentId)
      assert.lengthOf(named, 3)
      const [victim, survivor] = named.indexOf(one.url) < named.indexOf(two.url) ? [one, two] : [two, one]
      victim.process.kill("SIGKILL")
      const killed = Date.now()
      yield* Effect.promise(() => victim.ended)
      const late = () => fleet.heard.filter(({ lease }) => lease < killed)
      yield* until(() => late().length === 0, (9 + patience) * 1000)
      assert.lengthOf(late(), 0, "all have had leases since")
      // A dead front end is named until it has been silent for long enough, and joins that were lost come again.
      yield* Effect.sleep(Math.max(0, killed + 9000 - Date.now()))
      assert.notInclude(yield* arraysAt(survivor.url, fleet.contentId), victim.url)
      assert.strictEqual(yield* membersAt(survivor.url, fleet.contentId), Fleet.devices)
      yield* expectWhole(fleet)
      // Each says at once that it is complete.
      yield* until(() => silentSince(fleet, killed).length === 0, (2 + patience) * 1000)
      assert.lengthOf(silentSince(fleet, killed), 0)
    })
  )
})

/**
 * Every download went on in its swarm. Leases that are lost may cost pieces twice: who hears nothing for eight seconds goes
 * ahead without, which is more often so on a machine that is busy.
 */
const expectWhole = (fleet: Fleet.Fleet) =>
  Effect.gen(function* () {
    const results = yield* fleet.results
    for (const { mode } of results) assert.strictEqual(mode, "Lan")
    assert.isAtMost(Fleet.taken(results), 1.25)
    assert.isAtMost(fleet.copies(), 1.5, "what the origin sent")
  })

const silentSince = (fleet: Fleet.Fleet, time: number) => fleet.heard.filter(({ join }) => join < time)

/** Where the Arrays are that a front end tells of. */
const arraysAt = (url: string, contentId: ContentId) =>
  Effect.gen(function* () {
    const cloud = yield* clientOf(url)
    const arrays = yield* cloud.discover(yield* cloud.whereabouts, contentId)
    return arrays.map((array) => array.url.replace(paths.Array, ""))
  })

/** Members of a content's swarm, as another device of the site is told at a front end. */
const membersAt = (url: string, contentId: ContentId) =>
  Effect.gen(function* () {
    const cloud = yield* clientOf(url)
    const { candidates } = yield* cloud.join(EndpointUrl.make(url + paths.Array), probe(contentId))
    return candidates
  })

const probe = (contentId: ContentId) =>
  new JoinRequest({
    contentId,
    peerId: Peer.PeerId.make("f".repeat(40)),
    reportedIp: "10.0.9.9",
    port: 7680,
    left: 1,
    event: "Started",
    scope: "Lan",
    peersWanted: 0
  })

/** The runner that has a content's swarm, as the cluster's database says. */
const ownerOf = (url: Redacted.Redacted, contentId: ContentId) =>
  Effect.gen(function* () {
    const database = Database.layer.pipe(Layer.provide(DatabaseConfig.layer({ url })))
    const nobody = { runner: undefined, listen: undefined, maxSwarms: 1 }
    const cluster = Cluster.layer(nobody, Postgres.layer({ url })).pipe(Layer.provideMerge(database))
    const context = yield* Layer.build(cluster)
    const shard = Context.get(context, Sharding.Sharding).getShardId(EntityId.make(contentId), "default")
    const { sql } = Context.get(context, Database)
    const [lock] = yield* sql`SELECT address FROM cluster_locks WHERE shard_id = ${shard.toString()}`
    return String(lock?.["address"])
  }).pipe(Effect.scoped)
