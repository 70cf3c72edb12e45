import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { assert, describe, it } from "@effect/vitest"
import { fileName } from "@piecework/database/Database"
import { DatabaseError } from "@piecework/database/DatabaseError"
import { Swarms } from "@piecework/swarm/Swarms"
import { SwarmView } from "@piecework/swarm/SwarmView"
import { Effect, Fiber, Layer, Schedule } from "effect"
import { TestClock } from "effect/testing"
import { EventLoop } from "@piecework/telemetry/EventLoop"
import { Readiness } from "../src/operation/Readiness.ts"
import { Traffic } from "../src/operation/Traffic.ts"
import { local, post, readyAt } from "./Local.ts"
import { folder, serving } from "./Program.ts"

/** Readiness alone, with the event loop and the requests that wait as a test wants them. */
const alone = (options: { readonly stoodStill?: () => number; readonly overdue?: number } = {}) =>
  Readiness.layer.pipe(
    Layer.provide([
      Layer.succeed(EventLoop, { stoodStill: options.stoodStill ?? (() => 0) }),
      Layer.succeed(Traffic, {
        watching: () => () => {},
        inFlight: () => options.overdue ?? 0,
        overdue: () => (options.overdue === undefined ? new Map() : new Map([["array", options.overdue]])),
        endConnections: () => {}
      })
    ])
  )

const busy = new DatabaseError({ operation: "write", reason: "Busy", database: "a.sqlite" })

describe("A process", () => {
  it.effect("is ready while each of its roles works", () =>
    Effect.gen(function* () {
      const { state, watch } = yield* Readiness
      yield* watch("geo", Effect.void)
      yield* watch("array", Effect.succeed(1))
      const { isReady, troubles } = yield* state
      assert.isTrue(isReady)
      assert.deepStrictEqual([...troubles.keys()], ["process", "geo", "array"])
    }).pipe(Effect.provide(alone()))
  )

  it.effect("is not ready when a role fails, and says which and why", () =>
    Effect.gen(function* () {
      const { state, watch } = yield* Readiness
      yield* watch("geo", Effect.void)
      yield* watch("content-policy", Effect.fail(busy))
      yield* watch("metadata", Effect.die(new Error("a bug")))
      const { isReady, troubles } = yield* state
      assert.isFalse(isReady)
      assert.strictEqual(troubles.get("geo"), undefined)
      assert.strictEqual(troubles.get("content-policy"), busy.message)
      assert.strictEqual(troubles.get("metadata"), "It fails when looked at.")
    }).pipe(Effect.provide(alone()))
  )

  it.effect("waits a second for a role, and no longer", () =>
    Effect.gen(function* () {
      const { state, watch } = yield* Readiness
      yield* watch("array", Effect.never)
      const looking = yield* Effect.forkChild(state)
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(looking)).troubles.get("array"), "It does not answer within a second.")
    }).pipe(Effect.provide(alone()))
  )

  it.effect("looks once a second, however many ask", () =>
    Effect.gen(function* () {
      const { state, watch } = yield* Readiness
      let looks = 0
      yield* watch(
        "array",
        Effect.sync(() => ++looks)
      )
      yield* Effect.all(
        Array.from({ length: 20 }, () => state),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(looks, 1)
      yield* TestClock.adjust("1100 millis")
      yield* state
      assert.strictEqual(looks, 2)
    }).pipe(Effect.provide(alone()))
  )

  it.effect("is not ready when its event loop stood still, until that is past", () => {
    let stoodStill = 2500
    return Effect.gen(function* () {
      const { state } = yield* Readiness
      assert.strictEqual((yield* state).troubles.get("process"), "The event loop stood still for 2.5 s.")
      stoodStill = 30
      yield* TestClock.adjust("1100 millis")
      assert.isTrue((yield* state).isReady)
    }).pipe(Effect.provide(alone({ stoodStill: () => stoodStill })))
  })

  it.effect("is not ready when a role's requests wait for their answers", () =>
    Effect.gen(function* () {
      const { state, watch } = yield* Readiness
      yield* watch("array", Effect.void)
      assert.strictEqual((yield* state).troubles.get("array"), "3 of its requests wait for an answer.")
    }).pipe(Effect.provide(alone({ overdue: 3 })))
  )

  it.effect("is not ready from the moment it is told to stop, whatever was said a moment before", () =>
    Effect.gen(function* () {
      const { drain, state } = yield* Readiness
      assert.isTrue((yield* state).isReady)
      yield* drain
      const { isDraining, isReady } = yield* state
      assert.deepStrictEqual([isReady, isDraining], [false, true])
    }).pipe(Effect.provide(alone()))
  )
})

const who = { clientVersion: "1", profile: 768 }
const contentId = "DO-aGZA_I8Lc2F-ZsPzrXhTrcZaVte-PexJ5cOai52WjpQ"

/** What it says once it is so. */
const readyOnce = (url: string, until: (said: Effect.Success<ReturnType<typeof readyAt>>) => boolean) =>
  Effect.repeat(readyAt(url), { until, schedule: Schedule.spaced("100 millis") })

/** Swarms of which some answer nobody. */
const stuckSwarms = (isStuck: (id: string) => boolean) => {
  const empty = new SwarmView({
    members: 0,
    complete: 0,
    restricted: 0,
    siteCount: 0,
    sites: [],
    leaseMembers: 0,
    leasedPieces: 0
  })
  return Layer.succeed(Swarms, {
    join: () => Effect.never,
    leave: () => Effect.never,
    lease: () => Effect.never,
    list: Effect.never,
    look: (id) => (isStuck(id) ? Effect.never : Effect.succeed(empty)),
    inspect: () => Effect.never,
    live: { totals: Effect.never, history: () => Effect.never, list: () => Effect.never },
    resident: () => undefined
  })
}

describe("A service", () => {
  it.live("whose swarms answer nobody is not ready, and its other roles are", () =>
    Effect.gen(function* () {
      const stuck = stuckSwarms(() => true)
      const { url } = yield* local({ swarms: stuck })
      const { code, roles, status } = yield* readyAt(url)
      assert.deepStrictEqual([code, status], [503, "failing"])
      assert.deepStrictEqual(
        Object.entries(roles).filter(([, state]) => state !== "ok"),
        [["array", "failing"]]
      )
    })
  )

  it.live("in which one swarm is stuck is not ready once a request has waited for it", () =>
    Effect.gen(function* () {
      const oneStuck = stuckSwarms((id) => id === contentId)
      const { url } = yield* local({ swarms: oneStuck })
      assert.strictEqual((yield* readyAt(url)).code, 200)
      yield* Effect.forkChild(post(`${url}/rpc/array`, "Leave", { contentId, peerId: "0".repeat(40) }))
      const { code, roles } = yield* readyOnce(url, (said) => said.roles["array"] !== "ok")
      assert.deepStrictEqual([code, roles["array"], roles["geo"]], [503, "failing", "ok"])
    })
  )

  it.live("is not ready while another process keeps its database locked, and answers readers all the while", () =>
    Effect.gen(function* () {
      const data = yield* folder
      const { url } = yield* serving(data)
      assert.strictEqual((yield* readyAt(url)).code, 200)
      const other = new DatabaseSync(join(data, fileName), { timeout: 20_000 })
      yield* Effect.addFinalizer(() => Effect.sync(() => other.close()))
      other.exec("BEGIN IMMEDIATE")
      let readers = 0
      const again = Effect.sync(() => void (readers = 0)).pipe(
        Effect.andThen(readyAt(url)),
        Effect.repeat({ until: ({ code }) => code !== 200 })
      )
      const reading = yield* Effect.forkChild(
        Effect.forever(
          post(`${url}/rpc/cp`, "ContentPolicy", { ...who, altCatalogId: "http://origin.test/a" }).pipe(
            Effect.tap(({ status }) => Effect.sync(() => assert.strictEqual(status, 200))),
            Effect.tap(() => Effect.sync(() => readers++))
          )
        )
      )
      const ready = yield* again
      yield* Fiber.interrupt(reading)
      assert.deepStrictEqual(
        [ready.code, ready.roles["content-policy"], ready.roles["metadata"]],
        [503, "failing", "ok"]
      )
      // The look at the database, which took most of a second, did not hold up the process.
      assert.isAbove(readers, 2, "readers who were answered meanwhile")
      other.exec("ROLLBACK")
      assert.strictEqual((yield* readyOnce(url, (said) => said.code === 200)).roles["content-policy"], "ok")
    })
  )

  it.live("that stood still is not ready when it goes on", () =>
    Effect.gen(function* () {
      const { process: child, url } = yield* serving(yield* folder)
      assert.strictEqual((yield* readyAt(url)).code, 200)
      child.kill("SIGSTOP")
      yield* Effect.sleep("1500 millis")
      child.kill("SIGCONT")
      const { code, roles } = yield* readyAt(url)
      assert.deepStrictEqual([code, roles["process"]], [503, "failing"])
    })
  )
})
