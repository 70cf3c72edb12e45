/** Random readers that come, read a part, slowly or not, and leave; over origins that fail at random, or do not. */
import { assert, it } from "@effect/vitest"
import { Objects } from "@piecework/objects/Objects"
import type { StoredObject } from "@piecework/objects/StoredObject"
import { Effect, Fiber, Layer, Option, Stream } from "effect"
import { TestClock } from "effect/testing"
import { type Answer, answerWith, MiB, openFile, pattern, type Request, running, serve } from "./support.ts"

const bytes = pattern(9 * MiB + 4321)

/** Numbers from 0 to before 1, the same for the same seed. Source: mulberry32. */
const random = (seed: number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Counts how often each piece is put. */
const counting = (puts: Map<number, number>) => {
  const counted = (stored: StoredObject): StoredObject => ({
    ...stored,
    put: (piece, from) => {
      puts.set(piece, (puts.get(piece) ?? 0) + 1)
      return stored.put(piece, from)
    }
  })
  return Layer.effect(
    Objects,
    Effect.map(Objects, (objects) => ({
      ...objects,
      find: (url) => Effect.map(objects.find(url), Option.map(counted)),
      create: (facts) => Effect.map(objects.create(facts), counted)
    }))
  ).pipe(Layer.provide(Objects.layerMemory))
}

/** Reads what it wants as fast as it likes, and perhaps not to the end. */
const reader = (next: () => number) =>
  Effect.scoped(
    Effect.gen(function* () {
      yield* Effect.sleep(Math.floor(next() * 3000))
      const offset = next() < 0.3 ? 0 : Math.floor(next() * bytes.length)
      const isToEnd = next() < 0.4
      const length = isToEnd ? bytes.length - offset : Math.min(bytes.length - offset, 1 + Math.floor(next() * 3 * MiB))
      const leavesAfter = next() < 0.3 ? Math.floor(next() * length) : Infinity
      const pause = next() < 0.4 ? Math.floor(next() * 40) : 0
      const chunk = next() < 0.5 ? undefined : 10_000 + Math.floor(next() * 300_000)
      const part = { offset, length: isToEnd ? undefined : length }
      const file = yield* openFile({ part: isToEnd && offset === 0 ? undefined : part })
      let at = offset
      yield* Stream.runForEachWhile(file.read({ offset, length }, { chunk }), (got) =>
        Effect.gen(function* () {
          assert.isTrue(Buffer.compare(got, bytes.subarray(at, at + got.length)) === 0)
          if (pause > 0) yield* Effect.sleep(pause)
          // What was handed out stays what it was until more is pulled.
          assert.isTrue(Buffer.compare(got, bytes.subarray(at, at + got.length)) === 0)
          at += got.length
          return at - offset < leavesAfter
        })
      )
      if (leavesAfter === Infinity) assert.strictEqual(at, offset + length)
    })
  )

/** Ends, falls silent or resets after some of the bytes, now and then. */
const failing =
  (next: () => number) =>
  (request: Request): Answer => {
    const answer = answerWith(bytes, { step: 200_000, pause: 3 })(request)
    if (next() < 0.5) return answer
    const parts = answer.parts.slice(0, Math.floor(next() * answer.parts.length) + 1)
    return { ...answer, parts, after: next() < 0.7 ? "End" : "Silence" }
  }

const crowd = (seed: number, fails: boolean) => {
  const puts = new Map<number, number>()
  return it.effect(
    `gives every reader the right bytes${fails ? " over an origin that fails" : ", each piece fetched once"} (seed ${seed})`,
    running(
      Effect.gen(function* () {
        const next = random(seed)
        yield* serve(fails ? failing(random(seed + 1000)) : answerWith(bytes, { step: 200_000, pause: 3 }))
        const readers = yield* Effect.forkChild(
          Effect.all(
            Array.from({ length: 12 }, () => reader(random(Math.floor(next() * 1e9)))),
            { concurrency: "unbounded" }
          )
        )
        // Step by step, so that those who wait for time and those who wait for bytes take turns.
        for (let i = 0; i < 300 && readers.pollUnsafe() === undefined; i++) yield* TestClock.adjust("1 second")
        yield* Fiber.join(readers)
        if (!fails) for (const [piece, times] of puts) assert.strictEqual(times, 1, `piece ${piece}`)
      }),
      { objects: counting(puts), fills: { pieceBuffers: 4 + (seed % 5), tries: 20 } }
    )
  )
}

for (let seed = 1; seed <= 6; seed++) crowd(seed, false)
for (let seed = 1; seed <= 6; seed++) crowd(seed, true)
