import { assert, describe, it } from "@effect/vitest"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import { Effect, Exit, Fiber, Scope } from "effect"
import { type Conductor, type Place, Readers } from "../src/Readers.ts"

const at = (place: Place, first: number, waits = false) => {
  place.first = first as PieceIndex
  place.count = 2
  place.waits = waits
}

/** A conductor that counts what it is told. */
const conductor = (holds: ReadonlyArray<number> = []): Conductor & { readonly told: () => number } => {
  let told = 0
  return { told: () => told, changed: () => void told++, holds: (piece) => holds.includes(piece) }
}

describe("those who read one content", () => {
  it.effect("are told to whoever conducts, and to whoever does after it", () =>
    Effect.gen(function* () {
      const readers = new Readers()
      const place = yield* readers.join
      assert.deepStrictEqual(readers.runs(), [], "one that does not read yet is nowhere")
      at(place, 3, true)
      readers.moved()
      const [first, second] = [conductor(), conductor([3])]
      const scope = yield* Scope.make()
      yield* Scope.provide(readers.conduct(first), scope)
      assert.strictEqual(first.told(), 1)
      assert.deepStrictEqual(readers.runs(), [{ first: 3, count: 2, waits: true }])
      yield* readers.conduct(second)
      assert.deepStrictEqual([first.told(), second.told()], [2, 1], "the other has nothing to read for any more")
      assert.isFalse(readers.isConductedBy(first))
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(readers.holds(3 as PieceIndex), "that one ends changes nothing for the other")
    })
  )

  it.effect("are woken by the piece that they wait for, and by no other", () =>
    Effect.gen(function* () {
      const readers = new Readers()
      const places = [yield* readers.join, yield* readers.join]
      let woken = 0
      for (const [n, place] of places.entries()) {
        at(place, n, true)
        place.wake = () => void woken++
      }
      readers.kept(7 as PieceIndex)
      assert.strictEqual(woken, 0)
      readers.kept(1 as PieceIndex)
      assert.deepStrictEqual([woken, places[0]?.isHere, places[1]?.isHere], [1, false, true])
    })
  )

  it.effect("are named with those first that wait, and have waited the longest", () =>
    Effect.gen(function* () {
      const readers = new Readers()
      const places = yield* Effect.forEach([0, 1, 2, 3], () => readers.join)
      for (const [n, place] of places.entries()) at(place, n)
      for (const n of [3, 1]) {
        const place = places[n]
        if (place !== undefined) readers.waits(place)
      }
      assert.deepStrictEqual(
        readers.runs().map(({ first }) => first),
        [3, 1, 0, 2]
      )
    })
  )

  it.effect("are forgotten when they leave", () =>
    Effect.gen(function* () {
      const readers = new Readers()
      const listening = conductor()
      yield* readers.conduct(listening)
      const scope = yield* Scope.make()
      at(yield* Scope.provide(readers.join, scope), 4)
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(readers.runs(), [])
      assert.strictEqual(listening.told(), 2)
    })
  )

  it.effect("do not keep a download from its turn, and go on after it", () =>
    Effect.gen(function* () {
      const readers = new Readers()
      const said: Array<string> = []
      const say = (text: string) => Effect.sync(() => void said.push(text))
      const session = Effect.andThen(say("reads"), Effect.never).pipe(Effect.onInterrupt(() => say("makes way")))
      const reading = yield* Effect.forkScoped(Effect.forever(readers.meanwhile(session)))
      yield* Effect.yieldNow
      for (const name of ["one", "two"]) {
        yield* readers.inTurn(say(name))
      }
      for (let n = 0; n < 20 && said.length < 7; n++) yield* Effect.yieldNow
      assert.strictEqual(said[0], "reads")
      assert.deepStrictEqual(
        said.filter((text) => text === "one" || text === "two"),
        ["one", "two"]
      )
      assert.strictEqual(said.at(-1), "reads", "it has the turn again")
      assert.strictEqual(said[said.indexOf("one") - 1], "makes way")
      yield* Fiber.interrupt(reading)
    })
  )

  it.effect("give the turn back when a download is interrupted while it waits, or has it", () =>
    Effect.gen(function* () {
      const readers = new Readers()
      const having = yield* Effect.forkScoped(readers.inTurn(Effect.never))
      yield* Effect.yieldNow
      const waiting = yield* Effect.forkScoped(readers.inTurn(Effect.never))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(waiting)
      yield* Fiber.interrupt(having)
      assert.strictEqual(yield* readers.inTurn(Effect.succeed(1)), 1)
      yield* readers.meanwhile(Effect.void)
    })
  )
})
