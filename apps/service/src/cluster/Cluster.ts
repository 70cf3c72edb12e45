/**
 * A process of a cluster: one that has swarms, a runner, or one that only reaches them. Who is there and who has which
 * swarms is in PostgreSQL; what is in the swarms is in the runners' memory and nowhere else.
 */
import * as ClusterKey from "@piecework/cluster/ClusterKey"
import * as PatientStorage from "@piecework/cluster/PatientStorage"
import * as Timing from "@piecework/cluster/Timing"
import type { Database } from "@piecework/database/Database"
import { Failure } from "@piecework/terminal/Failure"
import { Effect, Layer, Option } from "effect"
import {
  MessageStorage,
  RunnerAddress,
  RunnerHealth,
  Runners,
  type Sharding,
  ShardingConfig,
  SocketRunner,
  SqlRunnerStorage
} from "effect/cluster"
import type { SocketServer } from "effect/socket"
import type { SqlClient, SqlError } from "effect/sql"
import { exitCodes } from "../ExitCode.ts"
import { explained, ofDatabase } from "../Explained.ts"
import { format, type HostPort } from "./RunnerAddress.ts"
import * as RunnerSockets from "./RunnerSockets.ts"

export interface Options {
  /** Where the others reach this process; absent means that it has no swarms and only reaches them. */
  readonly runner: HostPort | undefined
  /** Address to listen on, when it is another than the others use. */
  readonly listen: string | undefined
  /** Most swarms in memory at once. */
  readonly maxSwarms: number
}

/** Connections to the database for the cluster itself, apart from those of the rooms: a long query must not look like a death. */
export const connections = 4

export const layer = (
  { listen, maxSwarms, runner }: Options,
  client: Layer.Layer<SqlClient.SqlClient, SqlError.SqlError>
): Layer.Layer<Sharding.Sharding, Failure, Database> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const key = yield* Effect.mapError(ClusterKey.get, ofDatabase)
      const config = ShardingConfig.layer({
        ...ShardingConfig.defaults,
        ...Timing.sharding,
        runnerAddress: Option.map(Option.fromUndefinedOr(runner), ({ host, port }) => RunnerAddress.make(host, port)),
        maxResidentEntities: maxSwarms
      })
      const storage = explained(
        PatientStorage.layer.pipe(Layer.provide(SqlRunnerStorage.layer), Layer.provide(client)),
        (cause) => new Failure({ sentence: `The cluster cannot be joined: ${cause.message}.`, code: exitCodes.storage })
      )
      const joined = runner === undefined ? SocketRunner.layerClientOnly : listening(key, runner, listen ?? runner.host)
      return joined.pipe(
        Layer.provide([storage, MessageStorage.layerNoop]),
        Layer.provide(RunnerSockets.client(key)),
        Layer.provide([RunnerSockets.serialization, config])
      )
    })
  )

const listening = (key: RunnerSockets.Key, runner: HostPort, host: string) =>
  SocketRunner.layer.pipe(
    Layer.provide(RunnerHealth.layerPing.pipe(Layer.provide(Runners.layerRpc))),
    Layer.provide(explained(RunnerSockets.server(key, { host, port: runner.port }), (error) => refusal(error, runner)))
  )

const refusal = ({ reason }: SocketServer.SocketServerError, runner: HostPort): Failure => {
  const { cause } = reason
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined
  const where = format(runner)
  return code === "EADDRINUSE"
    ? new Failure({
        sentence: `Another program listens on ${where} already; choose another port with --runner.`,
        code: exitCodes.portInUse
      })
    : new Failure({
        sentence: `Cannot listen on ${where} (${String(code ?? cause)}); give --runner-listen ADDRESS when the others reach this machine by another one.`,
        code: exitCodes.address
      })
}
