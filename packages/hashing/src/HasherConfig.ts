/** How many workers hash, and from which size on their help is worth a trip. */
import { availableParallelism } from "node:os"
import { Config, Context, Effect, Layer, Schema } from "effect"

export class HasherConfig extends Context.Service<
  HasherConfig,
  {
    /**
     * Most worker threads, at least 1. `HASHER_WORKERS`, default: one core is left to the main thread and four workers
     * are enough (each hashes 1.6 GiB/s); two on two cores, where the main thread waits for the network anyway.
     */
    readonly workers: number
    /**
     * Inputs shorter than this, in bytes, are hashed where they are. `HASHER_WORKER_MINIMUM`, default 256 KiB: hashing
     * those takes 0.15 ms, of which the trip to a worker and back would cost a third.
     */
    readonly workerMinimum: number
    /**
     * Workers that start with the hasher, before there is work for them. `HASHER_STARTED_AHEAD`, default 0: a start takes 25 ms of
     * a core. Who is sure to have work saves that time at the beginning.
     */
    readonly startedAhead: number
  }
>()("@piecework/hashing/HasherConfig") {}

/** The number of workers on a machine with so many cores. */
export const workersFor = (cores: number): number => (cores === 2 ? 2 : Math.max(1, Math.min(4, cores - 1)))

export const defaults: HasherConfig["Service"] = {
  workers: workersFor(availableParallelism()),
  workerMinimum: 256 * 1024,
  startedAhead: 0
}

export const layer = (options?: Partial<HasherConfig["Service"]>): Layer.Layer<HasherConfig> =>
  Layer.succeed(HasherConfig, { ...defaults, ...options })

export const layerConfig: Layer.Layer<HasherConfig, Config.ConfigError> = Layer.effect(
  HasherConfig,
  Effect.gen(function* () {
    return {
      workers: yield* Config.schema(Workers, "HASHER_WORKERS").pipe(Config.withDefault(defaults.workers)),
      workerMinimum: yield* Config.schema(Schema.Natural, "HASHER_WORKER_MINIMUM").pipe(
        Config.withDefault(defaults.workerMinimum)
      ),
      startedAhead: yield* Config.schema(Schema.Natural, "HASHER_STARTED_AHEAD").pipe(
        Config.withDefault(defaults.startedAhead)
      )
    }
  })
)

const Workers = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 64 }))
