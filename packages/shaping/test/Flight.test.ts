import { assert, describe, it } from "@effect/vitest"
import { Flight } from "@piecework/shaping"

describe("Flight", () => {
  it("tells when the last byte that was received had been handed over", () => {
    const flight = new Flight.Flight(75)
    flight.handOver(100, 1)
    flight.handOver(50, 2)
    assert.deepStrictEqual(flight.take(125), { received: 50, handedAt: 1 })
    assert.deepStrictEqual(flight.take(175), { received: 50, handedAt: 1 })
    assert.deepStrictEqual(flight.take(176), { received: 1, handedAt: 2 })
    assert.strictEqual(flight.inFlight, 49)
  })

  it("takes no word for what was not handed over, or was received before", () => {
    const flight = new Flight.Flight(10)
    flight.handOver(5, 1)
    for (const total of [16, 10, 0, -1, Number.NaN]) assert.isUndefined(flight.take(total), String(total))
    assert.strictEqual(flight.inFlight, 5)
  })

  it("does not grow with a peer that says nothing", () => {
    const flight = new Flight.Flight(0)
    for (let i = 0; i < 3 * Flight.mostParts; i++) flight.handOver(1, i)
    assert.deepStrictEqual(flight.take(3 * Flight.mostParts), {
      received: 3 * Flight.mostParts,
      handedAt: Flight.mostParts - 1
    })
    assert.strictEqual(flight.inFlight, 0)
  })
})
