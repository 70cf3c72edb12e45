import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ClusterError, Runner, RunnerAddress, RunnerStorage, ShardId } from "effect/cluster"
import { TestClock } from "effect/testing"
import * as PatientStorage from "../src/PatientStorage.ts"

const runner = (n: number) =>
  new Runner.Runner({ address: RunnerAddress.make("10.0.0.1", n), groups: ["default"], weight: 1 })
const [one, two, three] = [runner(1), runner(2), runner(3)] as const
const shards = [1, 2, 3].map((n) => ShardId.make("default", n))

/** A storage that says what the test says. */
const makeScene = Effect.gen(function* () {
  let state: "there" | "away" | "silent" = "there"
  let alive: ReadonlyArray<Runner.Runner> = [one, two]
  let held = shards
  const answer = <A>(value: () => A) =>
    Effect.suspend((): Effect.Effect<A, ClusterError.PersistenceError> => {
      if (state === "silent") return Effect.never
      return state === "away" ? Effect.fail(new ClusterError.PersistenceError({ cause: "away" })) : Effect.sync(value)
    })
  const real = yield* RunnerStorage.makeMemory
  const storage = PatientStorage.make({
    ...real,
    getRunners: answer(() => alive.map((each) => [each, true] as const)),
    refresh: (_, wanted) => answer(() => held.filter((shard) => [...wanted].some((other) => `${other}` === `${shard}`)))
  })
  return {
    be: (is: typeof state) => void (state = is),
    live: (...runners: ReadonlyArray<Runner.Runner>) => void (alive = runners),
    hold: (...kept: ReadonlyArray<ShardId.ShardId>) => void (held = [...kept]),
    runners: Effect.map(storage.getRunners, (found) => found.map(([{ address }]) => address.port).toSorted()),
    refresh: Effect.map(storage.refresh(one.address, shards), (kept) => kept.map(String))
  }
})

describe("A patient storage", () => {
  it.effect("loses at once what another has taken", () =>
    Effect.gen(function* () {
      const { hold, refresh } = yield* makeScene
      assert.lengthOf(yield* refresh, 3)
      hold(ShardId.make("default", 2))
      assert.deepStrictEqual(yield* refresh, [String(ShardId.make("default", 2))])
    })
  )

  it.effect(
    "keeps what it has while the database is away, or does not answer, and says so before anybody gives up",
    () =>
      Effect.gen(function* () {
        const { be, refresh } = yield* makeScene
        for (const state of ["away", "silent"] as const) {
          be(state)
          const fiber = yield* Effect.forkChild(refresh)
          // `effect/cluster` waits for two seconds.
          yield* TestClock.adjust("1500 millis")
          const exit = fiber.pollUnsafe()
          assert.strictEqual(exit?._tag, "Success", state)
        }
      })
  )

  it.effect("takes nobody for dead who could not give a sign of life, and the dead for dead six seconds later", () =>
    Effect.gen(function* () {
      const { be, live, refresh, runners } = yield* makeScene
      assert.deepStrictEqual(yield* runners, [1, 2])
      be("away")
      yield* refresh
      assert.strictEqual((yield* Effect.flip(runners))._tag, "PersistenceError")
      yield* TestClock.adjust("30 seconds")
      yield* refresh
      be("there")
      // The first that is back sees only itself, and one that is new.
      live(one, three)
      assert.deepStrictEqual(yield* runners, [1, 2, 3])
      yield* TestClock.adjust("5700 millis")
      assert.deepStrictEqual(yield* runners, [1, 2, 3])
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(yield* runners, [1, 3])
    })
  )

  it.effect("believes what it sees while all is well", () =>
    Effect.gen(function* () {
      const { live, runners } = yield* makeScene
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* runners, [1, 2])
      live(two)
      assert.deepStrictEqual(yield* runners, [2])
    })
  )
})
