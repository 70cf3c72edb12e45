import { createServer } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { JoinRequest, LeaveRequest } from "@piecework/cloud/ArrayRpcs"
import { Database } from "@piecework/database/Database"
import { ContentId } from "@piecework/domain/Content"
import { Peer } from "@piecework/domain"
import * as SwarmConfig from "@piecework/swarm/SwarmConfig"
import { Swarms } from "@piecework/swarm/Swarms"
import { Context, Duration, Effect, Exit, Layer, Schedule, Scope } from "effect"
import { SqlClient } from "effect/sql"
import * as Cluster from "../src/cluster/Cluster.ts"

const contents = Array.from({ length: 12 }, (_, n) => ContentId.make(`DO-${"abcdefghijkl"[n]}${"a".repeat(42)}`))

const joining = (contentId: ContentId, n: number) =>
  new JoinRequest({
    contentId,
    peerId: Peer.PeerId.make(String(n).repeat(40)),
    reportedIp: `192.168.1.${n}`,
    port: 7680,
    left: 1,
    event: "Started",
    scope: "Lan"
  })

const freePort = Effect.callback<number>((resume) => {
  const probe = createServer().listen(0, "127.0.0.1", () => {
    const address = probe.address()
    probe.close(() => resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0)))
  })
})

/** Processes of one cluster in this one: real sockets between them, their database in memory. */
const makeScene = Effect.gen(function* () {
  const context = yield* Layer.build(Database.layerMemory)
  const { sql } = Context.get(context, Database)
  const process = Effect.fnUntraced(function* (isRunner: boolean) {
    const scope = yield* Scope.make()
    yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
    const runner = isRunner ? { host: "127.0.0.1", port: yield* freePort } : undefined
    const cluster = Cluster.layer(
      { runner, listen: undefined, maxSwarms: 100 },
      Layer.succeed(SqlClient.SqlClient, sql)
    )
    const swarms = yield* Layer.build(
      Swarms.layer.pipe(Layer.provide(cluster), Layer.provide(SwarmConfig.layer()), Layer.fresh)
    ).pipe(Effect.provideContext(context), Scope.provide(scope))
    return { swarms: Context.get(swarms, Swarms), end: Scope.close(scope, Exit.void) }
  })
  const [one, two, frontEnd] = [yield* process(true), yield* process(true), yield* process(false)]
  return { one, two, frontEnd }
})

/** Until the swarm is somewhere. */
const patient = Effect.retry({ schedule: Schedule.spaced("200 millis"), times: 60 })

describe("Two runners", () => {
  it.live("have each swarm once between them, and it is the same whoever is asked", () =>
    Effect.gen(function* () {
      const { frontEnd, one, two } = yield* makeScene
      const ip = "203.0.113.7"
      for (const contentId of contents) {
        yield* frontEnd.swarms.join(joining(contentId, 1), ip).pipe(patient)
        assert.strictEqual((yield* one.swarms.join(joining(contentId, 2), ip)).candidates, 1)
        const { peers } = yield* two.swarms.join(joining(contentId, 3), ip)
        assert.deepStrictEqual(peers.map(({ address }) => String(address)).toSorted(), [
          "192.168.1.1:7680",
          "192.168.1.2:7680"
        ])
        yield* frontEnd.swarms.leave(new LeaveRequest({ contentId, peerId: Peer.PeerId.make("1".repeat(40)) }), ip)
        assert.strictEqual((yield* frontEnd.swarms.join(joining(contentId, 3), ip)).candidates, 1)
      }
      const counts = yield* Effect.forEach([one, two, frontEnd], ({ swarms }) =>
        Effect.map(swarms.list, ({ count }) => count)
      )
      const [first = 0, second = 0, none] = counts
      assert.strictEqual(first + second, contents.length)
      assert.isAbove(Math.min(first, second), 0, "both have some")
      assert.strictEqual(none, 0, "and a front end none")
    })
  )

  it.live("are one when the other ends, which hands over what it had within four seconds", () =>
    Effect.gen(function* () {
      const { frontEnd, one, two } = yield* makeScene
      for (const contentId of contents) yield* frontEnd.swarms.join(joining(contentId, 1), "203.0.113.7").pipe(patient)
      assert.isAbove((yield* two.swarms.list).count, 0)
      yield* two.end
      const began = Date.now()
      for (const contentId of contents) yield* frontEnd.swarms.join(joining(contentId, 1), "203.0.113.7").pipe(patient)
      assert.isBelow(Date.now() - began, Duration.toMillis("4 seconds"))
      assert.strictEqual((yield* one.swarms.list).count, contents.length)
    })
  )
})
