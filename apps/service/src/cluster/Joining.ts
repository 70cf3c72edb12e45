/** What makes a process one of a cluster: what its flags must say, and the layers that come of it. */
import * as FrontEnds from "@piecework/cluster/FrontEnds"
import { LiveArrays } from "@piecework/cloud/LiveArrays"
import type { Database } from "@piecework/database/Database"
import * as Postgres from "@piecework/database/Postgres"
import type { SwarmConfig } from "@piecework/swarm/SwarmConfig"
import * as SwarmSettings from "@piecework/swarm/SwarmConfig"
import { Swarms } from "@piecework/swarm/Swarms"
import { Failure } from "@piecework/terminal/Failure"
import { Effect, Layer, Option, type Redacted } from "effect"
import { exitCodes } from "../ExitCode.ts"
import { explained, ofDatabase } from "../Explained.ts"
import type { RoleName } from "../role/RoleName.ts"
import * as Cluster from "./Cluster.ts"
import type { HostPort } from "./RunnerAddress.ts"

export interface Options {
  /** The cluster's database. */
  readonly url: Redacted.Redacted
  readonly runner: Option.Option<HostPort>
  readonly runnerListen: Option.Option<string>
  readonly roles: ReadonlyArray<RoleName>
  /** Where clients find this process. */
  readonly publicUrl: string | undefined
}

export interface Joined {
  readonly swarms: Layer.Layer<Swarms, Failure>
  /** Where devices may join, for Discovery. */
  readonly arrays: Layer.Layer<never, Failure>
  /** To be built once devices can come. */
  readonly announced: Layer.Layer<never, Failure>
}

export const join = (
  { publicUrl, roles, runner, runnerListen, url }: Options,
  database: Layer.Layer<Database, Failure>,
  config: Layer.Layer<SwarmConfig>
): Effect.Effect<Joined, Failure> =>
  Effect.gen(function* () {
    const isFrontEnd = roles.includes("array")
    if (isFrontEnd && publicUrl === undefined) {
      return yield* new Failure({
        sentence: "In a cluster devices are told where each process is: give --public-url URL.",
        code: exitCodes.usage
      })
    }
    const sharding = Cluster.layer(
      {
        runner: Option.getOrUndefined(runner),
        listen: Option.getOrUndefined(runnerListen),
        maxSwarms: SwarmSettings.defaults.maxSwarms
      },
      Postgres.layer({ url, maxConnections: Cluster.connections })
    ).pipe(Layer.provide(database))
    const frontEnds = explained(FrontEnds.FrontEnds.layer, ofDatabase).pipe(Layer.provide(database))
    const announce = FrontEnds.FrontEnds.use(({ announce: say }) =>
      isFrontEnd && publicUrl !== undefined ? Effect.mapError(say(publicUrl), ofDatabase) : Effect.void
    )
    return {
      swarms: Swarms.layer.pipe(Layer.provide([sharding, config])),
      arrays: Layer.effect(
        LiveArrays,
        FrontEnds.FrontEnds.useSync(({ urls }) => urls)
      ).pipe(Layer.provide(frontEnds)),
      announced: Layer.effectDiscard(announce).pipe(Layer.provide(frontEnds))
    }
  })
