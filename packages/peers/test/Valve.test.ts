import { assert, describe, it } from "@effect/vitest"
import { Codec } from "@piecework/wire"
import { Valve } from "../src/internal/Valve.ts"

const handshake = 75

/** A valve with a clock that the test sets, and a peer that tells what it has received. */
const made = () => {
  let now = 0
  let total = handshake
  const valve = new Valve(handshake, () => now)
  const send = (bytes: number) => {
    total += bytes
    valve.left(bytes)
  }
  return {
    valve,
    send,
    pass: (millis: number) => {
      now += millis
    },
    /** The peer has all that was sent. */
    receipt: () => valve.receipt({ _tag: "Receipt", received: total, at: now * 1000, held: 0 }),
    /** Sends what may leave now, at most so many parts; answers bytes of content. */
    parts: (most: number, pressed = false) => {
      let sum = 0
      for (let n = 0; n < most; n++) {
        const part = valve.part(pressed)
        if (part === undefined) break
        send(part.bytes.length)
        sum += part.content
      }
      return sum
    }
  }
}

const content = 200_000
const answer = () => new Uint8Array(Codec.pieceHeaderLength + content)

describe("the valve of a session", () => {
  it("lets an answer out in parts, and counts its content once and its header never", () => {
    const { parts, pass, receipt, send, valve } = made()
    send(9)
    assert.isTrue(receipt())
    assert.isTrue(valve.mayBegin())
    valve.begin(answer())
    let sum = parts(1)
    assert.isBelow(sum, 20_000)
    for (let n = 0; n < 1000 && valve.isHalfway; n++) {
      pass(10)
      receipt()
      sum += parts(10)
    }
    assert.isFalse(valve.isHalfway)
    assert.strictEqual(sum, content)
  })

  it("waits for the peer once its window is full, and no longer when something has come", () => {
    const { parts, pass, receipt, send, valve } = made()
    send(9)
    receipt()
    valve.begin(answer())
    for (let n = 0; n < 100; n++) {
      parts(10)
      pass(10)
    }
    assert.isTrue(valve.awaitsPeer)
    assert.strictEqual(parts(10), 0)
    assert.isTrue(receipt())
    assert.isFalse(valve.awaitsPeer)
    assert.isAbove(parts(10), 0)
  })

  it("goes on at its pace with an answer that something waits behind, or both sides might wait for each other", () => {
    const { parts, pass, receipt, send, valve } = made()
    send(9)
    receipt()
    valve.begin(answer())
    for (let n = 0; n < 100; n++) {
      parts(10)
      pass(10)
    }
    assert.isAbove(parts(1, true), 0)
    parts(1000, true)
    assert.isFalse(valve.awaitsPeer)
    assert.isTrue(valve.isHalfway)
  })
})
