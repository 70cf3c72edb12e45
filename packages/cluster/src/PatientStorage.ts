/**
 * What the runners know of each other, over a database that may be away for a while. `effect/cluster` takes a lock that
 * cannot be renewed for lost and ends what runs under it; for swarms that is the wrong way round, since their members and
 * leases are only in memory, and two runners with one swarm for some seconds cost a few pieces and nothing else. So while
 * the database is away everybody keeps what it has, and after that for as long as it takes the others to give a sign of
 * life they are not taken for dead.
 */
import { Cause, Clock, Duration, Effect, Exit, Layer } from "effect"
import { type Runner, RunnerStorage } from "effect/cluster"
import { look, sign, silence } from "./Timing.ts"

type Storage = RunnerStorage.RunnerStorage["Service"]
type Known = ReadonlyArray<readonly [runner: Runner.Runner, healthy: boolean]>

/** Renewing is given up before `effect/cluster` does at `sign`, which would take the locks for lost. */
const patience = Duration.times(sign, 0.6)

/** Two failures in a row that are further apart than this say nothing of what was between. */
const grace = Duration.sum(silence, look)

export const make = (storage: Storage): Storage => {
  let known: Known = []
  let failedAt = -Infinity
  const failed = Effect.map(Clock.currentTimeMillis, (now) => void (failedAt = now))

  return {
    ...storage,
    getRunners: Effect.gen(function* () {
      const found: Known = yield* Effect.onExit(storage.getRunners, (exit) =>
        Exit.isSuccess(exit) ? Effect.void : failed
      )
      const now = yield* Clock.currentTimeMillis
      known = now - failedAt < Duration.toMillis(grace) ? together(known, found) : found
      return [...known]
    }),
    refresh: (address, shardIds) => {
      const claimed = [...shardIds]
      return storage.refresh(address, claimed).pipe(
        Effect.timeout(patience),
        Effect.exit,
        Effect.flatMap((exit) => {
          if (Exit.isSuccess(exit)) return Effect.succeed(exit.value)
          if (Cause.hasInterruptsOnly(exit.cause)) return Effect.interrupt
          return failed.pipe(
            Effect.andThen(Effect.logDebug("the database is away; the shards are kept", exit.cause)),
            Effect.as(claimed)
          )
        })
      )
    }
  }
}

export const layer: Layer.Layer<RunnerStorage.RunnerStorage, never, RunnerStorage.RunnerStorage> = Layer.effect(
  RunnerStorage.RunnerStorage,
  Effect.map(RunnerStorage.RunnerStorage, make)
)

/** Who was there and who is; what is newer is believed of those that are in both. */
const together = (before: Known, now: Known): Known => [
  ...now,
  ...before.filter(([runner]) => !now.some(([other]) => isSame(runner, other)))
]

const isSame = (a: Runner.Runner, b: Runner.Runner): boolean =>
  a.address.host === b.address.host && a.address.port === b.address.port
