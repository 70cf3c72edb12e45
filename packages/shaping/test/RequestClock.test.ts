import { assert, describe, it } from "@effect/vitest"
import { RequestClock } from "@piecework/shaping"

/** A peer that has asked for so many blocks of 100 bytes, none of them answered. */
const asked = (open: number) => {
  const clock = new RequestClock.RequestClock()
  for (let waiting = 1; waiting <= open; waiting++) assert.isUndefined(clock.ask(waiting))
  return clock
}

describe("RequestClock", () => {
  it("takes a request behind an answer for the word that one has come", () => {
    const clock = asked(4)
    clock.answer(100)
    clock.answer(200)
    clock.answer(300)
    assert.strictEqual(clock.ask(2), 100)
    assert.strictEqual(clock.ask(3), 200)
    clock.answer(400)
    assert.strictEqual(clock.ask(3), 300)
  })

  it("believes that all has come when the peer begins anew", () => {
    const clock = asked(2)
    clock.answer(100)
    clock.answer(200)
    assert.strictEqual(clock.ask(1), 200)
    assert.isUndefined(clock.ask(2))
    clock.answer(300)
    assert.strictEqual(clock.ask(2), 300)
  })

  it("learns nothing from a peer that asks for more and more, and nothing twice", () => {
    const clock = asked(2)
    clock.answer(100)
    assert.strictEqual(clock.ask(2), 100)
    for (let waiting = 3; waiting < 100; waiting++) assert.isUndefined(clock.ask(waiting))
  })

  it("never says more than has left", () => {
    const clock = asked(3)
    for (const waiting of [3, 1, 0, 7, 1, 2]) assert.isUndefined(clock.ask(waiting))
  })
})
