import { assert, describe, it } from "@effect/vitest"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import { PieceLayout } from "@piecework/domain/PieceLayout"
import { Agenda } from "../src/Agenda.ts"
import { Port } from "../src/Port.ts"
import { ask, Stream } from "../src/Stream.ts"

const pieceSize = 1_048_576
const layout = new PieceLayout({ contentSize: 20 * pieceSize, pieceSize })

/** Bytes that came, and when the last did. */
const receiver = (agenda: Agenda) => {
  const got = { bytes: 0, at: 0 }
  const arrived = (_: unknown, bytes: number) => {
    got.bytes += bytes
    got.at = agenda.now
  }
  return { got, arrived }
}

const run = (first: number, count: number) => ({ first: first as PieceIndex, count })

const drain = (agenda: Agenda) => {
  while (agenda.step());
}

describe("Stream", () => {
  it("carries pieces at the rate of the slowest port", () => {
    const agenda = new Agenda()
    const { got, arrived } = receiver(agenda)
    const stream = new Stream(layout, [new Port(agenda, 1000), new Port(agenda, 100_000)], 32_768)
    stream.add(ask("origin", run(0, 4), arrived))
    drain(agenda)
    assert.strictEqual(got.bytes, 4 * pieceSize)
    assert.closeTo(got.at, (4 * pieceSize) / 1000, 40)
  })

  it("shares a port with another, and has all of it once the other is done", () => {
    const agenda = new Agenda()
    const line = new Port(agenda, 1000)
    const long = receiver(agenda)
    const short = receiver(agenda)
    new Stream(layout, [line, new Port(agenda, 1e9)], 32_768).add(ask("origin", run(0, 3), long.arrived))
    new Stream(layout, [line, new Port(agenda, 1e9)], 32_768).add(ask("origin", run(5, 1), short.arrived))
    drain(agenda)
    assert.closeTo(short.got.at, (2 * pieceSize) / 1000, 70)
    assert.closeTo(long.got.at, (4 * pieceSize) / 1000, 70)
  })

  it("leaves its sender's port to others while its receiver is slow", () => {
    const agenda = new Agenda()
    const plug = new Port(agenda, 1000)
    const slow = receiver(agenda)
    const quick = receiver(agenda)
    new Stream(layout, [plug, new Port(agenda, 10)], 262_144).add(ask("a", run(0, 4), slow.arrived))
    new Stream(layout, [plug, new Port(agenda, 1e9)], 262_144).add(ask("a", run(5, 4), quick.arrived))
    drain(agenda)
    // All of its own, and of the other no more than what may be on the way.
    assert.isBelow(quick.got.at, (5 * pieceSize) / 1000)
    assert.strictEqual(slow.got.bytes, 4 * pieceSize)
  })

  it("stops soon after it was told so", () => {
    const agenda = new Agenda()
    const { got, arrived } = receiver(agenda)
    const stream = new Stream(layout, [new Port(agenda, 1000)], 262_144)
    const one = ask("a", run(0, 4), arrived)
    stream.add(one)
    agenda.after(pieceSize / 1000, () => stream.stop(one))
    drain(agenda)
    assert.isAtLeast(got.bytes, pieceSize)
    assert.isAtMost(got.bytes, pieceSize + 262_144)
  })
})
