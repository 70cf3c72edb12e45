/** Two runners and a front end in one process: real sockets between them, their database in memory. */
import { createServer } from "node:net"
import { Database } from "@piecework/database/Database"
import * as SwarmConfig from "@piecework/swarm/SwarmConfig"
import { Swarms } from "@piecework/swarm/Swarms"
import { Context, Effect, Exit, Layer, Schedule, Scope } from "effect"
import { SqlClient } from "effect/sql"
import * as Cluster from "../src/cluster/Cluster.ts"

/** Until the swarm is somewhere. */
export const patient = Effect.retry({ schedule: Schedule.spaced("200 millis"), times: 60 })

export const make = Effect.fnUntraced(function* (config?: Partial<SwarmConfig.SwarmConfig["Service"]>) {
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
      Swarms.layer.pipe(Layer.provide(cluster), Layer.provide(SwarmConfig.layer(config)), Layer.fresh)
    ).pipe(Effect.provideContext(context), Scope.provide(scope))
    return { swarms: Context.get(swarms, Swarms), end: Scope.close(scope, Exit.void) }
  })
  const [one, two, frontEnd] = [yield* process(true), yield* process(true), yield* process(false)]
  /** By runner, how many shards the database says it has. */
  const locks = Effect.map(
    sql<{
      readonly address: string
      readonly n: number
    }>`SELECT address, count(*) AS n FROM cluster_locks GROUP BY address`,
    (rows) => new Map(rows.map(({ address, n }) => [address, Number(n)]))
  )
  return { one, two, frontEnd, locks }
})

const freePort = Effect.callback<number>((resume) => {
  const probe = createServer().listen(0, "127.0.0.1", () => {
    const address = probe.address()
    probe.close(() => resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0)))
  })
})
