import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { PieceCache } from "@piecework/cache/PieceCache"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import { Fetches, Meter } from "@piecework/download"
import { BufferPool, BufferPoolConfig, Phf } from "@piecework/hashing"
import { type PieceSource, SourceError, SourceId } from "@piecework/sources/PieceSource"
import { Cause, Deferred, Effect, Exit, Fiber, Layer, Scope } from "effect"

const pieceSize = 1024
const bytes = new Uint8Array(2 * pieceSize).fill(7)
const digest = createHash("sha256").update(bytes.subarray(0, pieceSize)).digest()
const phf = Phf.make({ contentSize: bytes.length, pieceSize, digests: Buffer.concat([digest, digest]) })
const run = { first: 0 as PieceIndex, count: 1 }
const id = SourceId.make("peer:a")

const layers = Layer.mergeAll(
  PieceCache.layerMemory,
  BufferPool.BufferPool.layer.pipe(Layer.provide(BufferPoolConfig.layer({ slots: 4, bufferSize: pieceSize })))
)

/** A source that does what the test says for each fetch, and the fetches over it; what is told waits for its turn. */
const world = (
  fetch: (n: number) => Effect.Effect<"deliver", SourceError>,
  scope: Scope.Scope,
  disk: Effect.Effect<void> = Effect.void
) =>
  Effect.gen(function* () {
    const pool = yield* BufferPool.BufferPool
    const store = yield* (yield* PieceCache).open(phf)
    const turns: Array<Fetches.Turn> = []
    const broken: Array<unknown> = []
    let fetched = 0
    const source: PieceSource = {
      id,
      kind: "Lan",
      received: () => 0,
      fetch: ({ first }, _, deliver) =>
        pool.take(
          (buffer) =>
            Effect.map(
              Effect.suspend(() => fetch(fetched++)),
              () => void buffer.bytes.set(bytes.subarray(0, pieceSize))
            ),
          (buffer) => deliver(first, buffer)
        )
    }
    const fetches = yield* Scope.provide(
      Fetches.make({
        store: { ...store, put: (piece, data) => Effect.andThen(disk, store.put(piece, data)) },
        held: store.verified(),
        meter: Meter.make(),
        tell: (turn) => void turns.push(turn),
        onFailure: () => {},
        onBroken: (cause) => Effect.sync(() => void broken.push(cause))
      }),
      scope
    )
    const told = () => turns.splice(0).flatMap((turn) => turn().map((happening) => happening._tag))
    return { fetches, source, told, pool, broken }
  })

const settle = Effect.forEach(Array.from({ length: 20 }), () => Effect.yieldNow, { discard: true })
const closed = new SourceError({ source: id, reason: "Closed" })

describe("fetches", () => {
  it.effect("tell what came, and what became of it", () =>
    Effect.gen(function* () {
      const { fetches, source, told } = yield* world(() => Effect.succeed("deliver"), yield* Effect.scope)
      fetches.start(source, run)
      yield* settle
      assert.deepStrictEqual(told(), ["PieceReceived", "PieceHeld"])
    }).pipe(Effect.provide(layers))
  )

  it.effect("tell nothing of a failure whose fetch was taken back before its turn, or was begun anew", () =>
    Effect.gen(function* () {
      const { fetches, source, told } = yield* world(
        (n) => (n === 0 ? Effect.fail(closed) : Effect.never),
        yield* Effect.scope
      )
      fetches.start(source, run)
      yield* settle
      fetches.cancel(id, run)
      fetches.start(source, run)
      yield* settle
      assert.deepStrictEqual(told(), [])
    }).pipe(Effect.provide(layers))
  )

  it.effect("begin a run anew that was asked of a session which another has replaced", () =>
    Effect.gen(function* () {
      const { fetches, source, told } = yield* world(
        (n) => (n === 0 ? Effect.fail(closed) : Effect.succeed("deliver")),
        yield* Effect.scope
      )
      fetches.start(source, run)
      yield* settle
      fetches.start(source, run)
      yield* settle
      assert.deepStrictEqual(told(), ["PieceReceived", "PieceHeld"])
    }).pipe(Effect.provide(layers))
  )

  it.effect("give every buffer back that is filled while they are being closed", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const arrival = yield* Deferred.make<"deliver">()
      const disk = yield* Deferred.make<void>()
      const { fetches, source, pool } = yield* world(
        (n) => (n === 0 ? Effect.succeed("deliver") : Deferred.await(arrival)),
        scope,
        Effect.uninterruptible(Deferred.await(disk))
      )
      fetches.start(source, run)
      fetches.start(source, { ...run, first: 1 as PieceIndex })
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* settle
      yield* Deferred.succeed(arrival, "deliver")
      yield* settle
      yield* Deferred.succeed(disk, undefined)
      yield* Fiber.join(closing)
      assert.strictEqual(pool.available(), pool.capacity)
    }).pipe(Effect.provide(layers))
  )

  it.effect("say so when pieces cannot be kept for a reason that nobody foresaw", () =>
    Effect.gen(function* () {
      const { fetches, source, told, broken } = yield* world(() => Effect.succeed("deliver"), yield* Effect.scope)
      // There is no such piece: a bug, as far as the cache is concerned.
      fetches.start(
        {
          ...source,
          fetch: (_, layout, deliver) => source.fetch({ first: 9 as PieceIndex, count: 1 }, layout, deliver)
        },
        run
      )
      yield* settle
      assert.deepStrictEqual(told(), ["PieceReceived"])
      assert.isTrue(Cause.isCause(broken[0]))
    }).pipe(Effect.provide(layers))
  )
})
