import { assert, describe, it } from "@effect/vitest"
import { MemoryNetwork } from "@piecework/transport/MemoryNetwork"
import { Arbitrary, Effect, Queue, Schema } from "effect"
import { TestClock } from "effect/testing"
import { rawDial, rawDialled, rawSession } from "./rawPeer.ts"
import { at, client, content, drop, idOf } from "./support.ts"

const within = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Frames that look like messages: a known id, numbers around what the content has, and sometimes a wrong length. */
const Frame = Schema.Struct({
  id: within(0, 9),
  piece: within(0, 11),
  offset: within(0, 5),
  length: within(0, 5),
  lie: within(0, 9)
})

const frames = Arbitrary.schema(Schema.Array(Frame))

const bytesOf = (frame: typeof Frame.Type): Uint8Array => {
  const words =
    frame.id < 4 ? [] : frame.id === 4 ? [frame.piece] : [frame.piece, frame.offset * 1024, frame.length * 1024]
  const body = frame.id === 5 ? Uint8Array.of(frame.piece, 0x40) : new Uint8Array(words.length * 4)
  if (frame.id !== 5) words.forEach((word, i) => new DataView(body.buffer).setUint32(i * 4, word))
  const length = 1 + body.length + (frame.lie === 0 ? 1 : frame.lie === 1 ? -1 : 0)
  return Uint8Array.of(0, 0, 0, Math.max(0, length), frame.id, ...body)
}

describe("whatever a peer sends", () => {
  it.effect.prop(
    "the session ends in an orderly way, and the next peer is served",
    { frames, tail: Arbitrary.schema(Schema.Uint8Array) },
    ({ frames: sent, tail }) =>
      Effect.gen(function* () {
        const victim = yield* client("victim", { id: idOf("a"), held: [0, 1, 2, 3] })
        const raw = yield* rawSession(victim, { id: idOf("e") })
        const session = yield* Queue.take(victim.incoming)
        yield* Effect.ignoreCause(raw.send(...sent.map(bytesOf), tail))
        yield* raw.stream.end
        yield* Effect.forkChild(raw.toEnd)
        assert.include(["Closed", "Protocol"], (yield* session.closed).reason)
        yield* rawSession(victim, { id: idOf("e"), machine: "next" })
      }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer())),
    { arbitrary: { runs: 60 } }
  )

  it.effect.prop(
    "every buffer of a fetch comes back",
    { frames, tail: Arbitrary.schema(Schema.Uint8Array) },
    ({ frames: sent, tail }) =>
      Effect.gen(function* () {
        const victim = yield* client("victim", { id: idOf("a") })
        const { raw, session } = yield* rawDialled(victim, { id: idOf("e") })
        yield* raw.send({ _tag: "Unchoke" })
        const fetching = yield* Effect.forkChild(
          Effect.exit(session.fetch({ first: at(0), count: 9 }, content.phf.layout, drop))
        )
        yield* raw.until("Request")
        yield* Effect.ignoreCause(raw.send(...sent.map(bytesOf), tail))
        yield* raw.stream.end
        yield* Effect.forkChild(raw.toEnd)
        yield* session.closed
        yield* TestClock.adjust(0)
        assert.isDefined(fetching.pollUnsafe())
        assert.strictEqual(victim.pool.available(), victim.pool.capacity)
        const { received, wasted } = session.counters()
        assert.isAtMost(wasted, received)
      }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer())),
    { arbitrary: { runs: 60 } }
  )

  it.effect.prop(
    "a handshake of other bytes is answered with silence",
    { bytes: Arbitrary.schema(Schema.Uint8Array) },
    ({ bytes }) =>
      Effect.gen(function* () {
        const victim = yield* client("victim", { id: idOf("a"), held: [0] })
        const raw = yield* rawDial(victim)
        yield* raw.send(bytes)
        yield* raw.stream.end
        assert.strictEqual(yield* raw.toEnd, 0)
      }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer())),
    { arbitrary: { runs: 30 } }
  )
})
