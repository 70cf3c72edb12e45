import { assert, describe, it } from "@effect/vitest"
import { Cloud, CloudConfig } from "@piecework/cloud"
import { CloudError } from "@piecework/cloud/CloudError"
import { LeaseReply, type LeaseRequest } from "@piecework/cloud/LeaseRpc"
import { Bitfield } from "@piecework/domain"
import { ContentId } from "@piecework/domain/Content"
import { PeerAddress, PeerId } from "@piecework/domain/Peer"
import { type PieceIndex, PieceLayout } from "@piecework/domain/PieceLayout"
import { Leasing } from "@piecework/download"
import { type Event, Plan } from "@piecework/scheduler"
import { decide } from "@piecework/scheduler/Decide"
import { Clock, Context, Duration, Effect, Exit, FiberSet, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import type { Happening } from "../src/Fetches.ts"

const pieceSize = 1_048_576
const pieces = 64
const self = PeerId.make("1".repeat(40))

/** What the service does with the nth ask, counted from 1. */
type Answer =
  | { readonly runs: ReadonlyArray<readonly [number, number]>; readonly again?: Duration.Input }
  | "fail"
  | "refuse"
  | "late"
  | "silent"

const failure = (reason: "Refused" | "TimedOut" | "Unreachable") =>
  new CloudError({ role: "Array", url: "http://a", reason })

/** A download with an origin and without a network, and a service that is 30 ms away. */
const makeScene = Effect.fnUntraced(function* (
  answer: (n: number) => Answer,
  options: {
    readonly timeout?: Duration.Input
    readonly groupId?: string
    readonly scope?: "Lan" | "Group"
    readonly turnsTake?: Duration.Input
  } = {}
) {
  const asks: Array<{ readonly at: number; readonly request: LeaseRequest }> = []
  const told: Array<{ readonly at: number; readonly event: Happening }> = []
  let discovered = 0
  const real = Context.get(
    yield* Layer.build(Cloud.Cloud.layerTest().pipe(Layer.provide(CloudConfig.layer()))),
    Cloud.Cloud
  )
  const cloud = Cloud.Cloud.of({
    ...real,
    discover: (...args) => Effect.suspend(() => (discovered++, real.discover(...args))),
    lease: (_, request) =>
      Effect.gen(function* () {
        asks.push({ at: yield* Clock.currentTimeMillis, request })
        const given = answer(asks.length)
        if (given === "silent") return yield* Effect.never
        yield* Effect.sleep("30 millis")
        if (given === "late") return yield* Effect.delay(failure("TimedOut"), "3 seconds")
        if (given === "fail") return yield* failure("Unreachable")
        if (given === "refuse") return yield* failure("Refused")
        return new LeaseReply({
          runs: given.runs.map(([first, count]) => ({ first, count })),
          again: Duration.fromInputUnsafe(given.again ?? "2 seconds")
        })
      })
  })
  const layout = new PieceLayout({ contentSize: pieces * pieceSize, pieceSize })
  let plan = Plan.make({ layout, held: Bitfield.empty(pieces), self, seed: 1, awaitsLeases: true })
  const asked = new Set<number>()
  let leasing: Leasing.Leasing | undefined
  const tell = (turn: () => Happening | ReadonlyArray<Happening>): Effect.Effect<void> =>
    Effect.gen(function* () {
      const [event] = [turn()].flat()
      if (event === undefined) return
      const now = yield* Clock.currentTimeMillis
      told.push({ at: now, event })
      const [commands, next] = decide(plan, { ...event, now } as Event.Event)
      plan = next
      for (const command of commands) {
        if (command._tag !== "Fetch") continue
        for (let n = 0; n < command.run.count; n++) asked.add(command.run.first + n)
      }
      leasing?.look(event)
    })
  const scope = yield* Scope.make()
  const runTurn = yield* Scope.provide(FiberSet.makeRuntime<never, void>(), scope)
  leasing = yield* Leasing.start({
    contentId: ContentId.make(`DO-${"a".repeat(43)}`),
    self,
    address: new PeerAddress({ host: "10.0.0.1", port: 7680 }),
    scope: options.scope ?? "Lan",
    groupId: options.groupId,
    timeout: options.timeout ?? "300 millis",
    plan: () => plan,
    tell: (turn) => void runTurn(Effect.delay(tell(turn), options.turnsTake ?? 0))
  }).pipe(Effect.provideService(Cloud.Cloud, cloud), Scope.provide(scope))
  const join = tell(() => ({ _tag: "SourceJoined", source: "origin", kind: "Origin", held: "all" }))
  const deliver = (piece: number) =>
    Effect.andThen(
      tell(() => ({ _tag: "PieceReceived", source: "origin", piece: piece as PieceIndex, bytes: pieceSize })),
      tell(() => ({ _tag: "PieceHeld", source: "origin", piece: piece as PieceIndex }))
    )
  return {
    asks,
    asked,
    told,
    tell,
    join,
    deliver,
    plan: () => plan,
    discovered: () => discovered,
    close: Scope.close(scope, Exit.void),
    offs: () => told.filter(({ event }) => event._tag === "LeasesOff").map(({ at }) => at)
  }
})

describe("Leasing", () => {
  it.effect("asks when the first source is there, and follows the answer", () =>
    Effect.gen(function* () {
      const { asks, asked, join } = yield* makeScene(() => ({ runs: [[7, 2]] }))
      yield* TestClock.adjust("100 millis")
      assert.lengthOf(asks, 0)
      yield* join
      yield* TestClock.adjust("10 millis")
      assert.lengthOf(asks, 1)
      assert.strictEqual(asked.size, 0)
      yield* TestClock.adjust("30 millis")
      assert.deepStrictEqual([...asked], [7, 8])
    })
  )

  it.effect("says who it is, what it holds, keeps and wants, and how often it was answered", () =>
    Effect.gen(function* () {
      const { asks, deliver, join } = yield* makeScene(() => ({ runs: [[7, 2]] }), { groupId: "office", scope: "Lan" })
      yield* join
      yield* TestClock.adjust("40 millis")
      yield* deliver(7)
      yield* TestClock.adjust("3 seconds")
      const [first, second] = asks.map(({ request }) => request)
      assert.deepInclude(first, {
        peerId: self,
        reportedIp: "10.0.0.1",
        pieceCount: pieces,
        pieceSize,
        seq: 0,
        most: 2
      })
      assert.deepStrictEqual(first?.keep, [])
      // Only a group's members ask in the group.
      assert.isUndefined(first?.groupId)
      assert.deepStrictEqual(second?.keep, [{ first: 8, count: 1 }])
      assert.strictEqual(second?.seq, 1)
      assert.strictEqual(second?.held[0], 0b0000_0001)
    })
  )

  it.effect("asks in the group when that is its scope", () =>
    Effect.gen(function* () {
      const { asks, join } = yield* makeScene(() => ({ runs: [] }), { groupId: "office", scope: "Group" })
      yield* join
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(asks[0]?.request.groupId, "office")
    })
  )

  it.effect("asks again when it is told to, and before when it has got what it had", () =>
    Effect.gen(function* () {
      const { asks, deliver, join } = yield* makeScene((n) => ({ runs: [[n, 2]], again: "5 seconds" }))
      yield* join
      yield* TestClock.adjust("4 seconds")
      assert.lengthOf(asks, 1)
      yield* deliver(1)
      yield* TestClock.adjust("1 millis")
      assert.lengthOf(asks, 2)
      yield* TestClock.adjust("5 seconds")
      assert.lengthOf(asks, 2)
      yield* TestClock.adjust("100 millis")
      assert.lengthOf(asks, 3)
    })
  )

  it.effect("does not ask again before it is told to when there was nothing for it", () =>
    Effect.gen(function* () {
      const { asks, join, tell } = yield* makeScene(() => ({ runs: [], again: "2 seconds" }))
      yield* join
      for (let n = 0; n < 20; n++) {
        yield* TestClock.adjust("500 millis")
        yield* tell(() => ({ _tag: "Tick", received: new Map() }))
      }
      assert.isAtMost(asks.length, 6)
      assert.isAtLeast(asks.length, 5)
    })
  )

  it.effect("goes ahead without a service that is silent, and follows it from its first answer on", () =>
    Effect.gen(function* () {
      const silent = yield* makeScene(() => "silent")
      yield* silent.join
      yield* TestClock.adjust("299 millis")
      assert.strictEqual(silent.asked.size, 0)
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(silent.offs(), [300])
      assert.strictEqual(silent.asked.size, 2)
    })
  )

  it.effect("gives the first answer its time, though asks before it had none", () =>
    Effect.gen(function* () {
      const second = yield* makeScene((n) => (n === 1 ? "late" : { runs: [[3, 1]] }), { timeout: "8 seconds" })
      yield* second.join
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(second.offs(), [])
      assert.deepStrictEqual([...second.asked], [3])
      const never = yield* makeScene(() => "late", { timeout: "8 seconds" })
      const began = yield* Clock.currentTimeMillis
      yield* never.join
      yield* TestClock.adjust("9 seconds")
      assert.deepStrictEqual(never.offs(), [began + 8000])
    })
  )

  it.effect("does not turn leases off after the first answer came in time", () =>
    Effect.gen(function* () {
      const { join, offs } = yield* makeScene(() => ({ runs: [[0, 1]] }))
      yield* join
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(offs(), [])
    })
  )

  it.effect("asks a service that fails again, after one to four seconds, and looks where it is", () =>
    Effect.gen(function* () {
      const { asks, discovered, join, offs, plan } = yield* makeScene((n) => (n <= 5 ? "fail" : { runs: [[3, 1]] }))
      yield* join
      yield* TestClock.adjust("30 seconds")
      const pauses = asks.slice(0, 6).map(({ at }, n) => at - (asks[n - 1]?.at ?? at))
      for (const [n, [least, most]] of [
        [530, 1030],
        [1030, 2030],
        [2030, 4030],
        [2030, 4030],
        [2030, 4030]
      ].entries()) {
        const pause = pauses[n + 1] ?? 0
        assert.isTrue(pause >= (least ?? 0) && pause <= (most ?? 0), `${n}: ${pause}`)
      }
      assert.isAtLeast(offs().length, 5)
      assert.strictEqual(discovered(), 6)
      assert.strictEqual(plan().leases.mode, "On")
    })
  )

  it.effect("goes on with its leases when one answer is lost, and without them after eight seconds of such", () =>
    Effect.gen(function* () {
      const once = yield* makeScene((n) => (n === 2 ? "late" : { runs: [[3, 1]] }))
      yield* once.join
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(once.offs(), [])
      const always = yield* makeScene((n) => (n === 1 ? { runs: [[3, 1]] } : "late"))
      yield* always.join
      const began = yield* Clock.currentTimeMillis
      yield* TestClock.adjust("30 seconds")
      const [first = Infinity] = always.offs()
      assert.isAtLeast(first - began, 8000)
      assert.isAtMost(first - began, 14_000)
    })
  )

  it.effect("keeps what it was leased, however long its turns take", () =>
    Effect.gen(function* () {
      const { asks, join } = yield* makeScene(() => ({ runs: [[3, 2]], again: "20 millis" }), {
        turnsTake: "1 second",
        timeout: "5 seconds"
      })
      yield* join
      yield* TestClock.adjust("4 seconds")
      assert.isAbove(asks.length, 2)
      for (const { request } of asks.slice(1)) assert.deepStrictEqual(request.keep, [{ first: 3, count: 2 }])
    })
  )

  it.effect("is without leases soon when the service is not there at all", () =>
    Effect.gen(function* () {
      const { join, offs } = yield* makeScene((n) => (n === 1 ? { runs: [[3, 1]] } : "fail"))
      yield* join
      const began = yield* Clock.currentTimeMillis
      yield* TestClock.adjust("10 seconds")
      assert.isAtMost((offs()[0] ?? Infinity) - began, 4000)
    })
  )

  it.effect("waits no longer after a failure for those that were long ago", () =>
    Effect.gen(function* () {
      const answers: ReadonlyArray<Answer> = ["fail", "fail", "fail", { runs: [[3, 1]] }, "fail"]
      const { asks, join } = yield* makeScene((n) => answers[n - 1] ?? { runs: [] })
      yield* join
      yield* TestClock.adjust("15 seconds")
      assert.isAtMost((asks[5]?.at ?? Infinity) - (asks[4]?.at ?? 0), 1030)
    })
  )

  it.effect("asks at once for what it could still take when it got a part, and not for what is on its way to it", () =>
    Effect.gen(function* () {
      const { asks, join, tell } = yield* makeScene((n) => ({ runs: [[0, n]], again: "1 minute" }))
      yield* join
      yield* TestClock.adjust("10 millis")
      yield* tell(() => ({ _tag: "Tick", received: new Map() }))
      yield* TestClock.adjust("500 millis")
      assert.lengthOf(asks, 1)
      yield* tell(() => ({ _tag: "Tick", received: new Map() }))
      yield* TestClock.adjust("500 millis")
      assert.lengthOf(asks, 2)
      yield* tell(() => ({ _tag: "Tick", received: new Map() }))
      yield* TestClock.adjust("500 millis")
      assert.lengthOf(asks, 2)
    })
  )

  it.effect("leaves one that gives no leases alone for a minute", () =>
    Effect.gen(function* () {
      const { asks, join } = yield* makeScene(() => "refuse")
      yield* join
      yield* TestClock.adjust("59 seconds")
      assert.lengthOf(asks, 1)
      yield* TestClock.adjust("2 seconds")
      assert.lengthOf(asks, 2)
    })
  )

  it.effect("asks no more once its scope is closed, nor when all is held", () =>
    Effect.gen(function* () {
      const closed = yield* makeScene(() => ({ runs: [] }))
      yield* closed.join
      yield* TestClock.adjust("1 second")
      yield* closed.close
      const before = closed.asks.length
      yield* TestClock.adjust("1 minute")
      assert.lengthOf(closed.asks, before)

      const done = yield* makeScene(() => ({ runs: [[0, pieces]] }))
      yield* done.join
      yield* TestClock.adjust("1 second")
      for (let piece = 0; piece < pieces; piece++) yield* done.deliver(piece)
      assert.strictEqual(done.plan().outcome, "Finished")
      yield* TestClock.adjust("5 seconds")
      const after = done.asks.length
      yield* TestClock.adjust("1 minute")
      assert.lengthOf(done.asks, after)
    })
  )
})
