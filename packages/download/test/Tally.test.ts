import { assert, describe, it } from "@effect/vitest"
import { Meter, Tally } from "@piecework/download"
import { SourceId } from "@piecework/sources/PieceSource"
import { total } from "@piecework/domain/SourceKind"

const origin = SourceId.make("origin:http://h:80")
const peer = SourceId.make("peer:a")

/** A meter with an origin and a peer whose counters the test turns. */
const metered = () => {
  const counters = { origin: 0, peer: 0, sent: 0 }
  const meter = Meter.make()
  meter.join({ id: origin, kind: "Origin", received: () => counters.origin, sent: () => 0 })
  meter.join({ id: peer, kind: "Lan", received: () => counters.peer, sent: () => counters.sent })
  return { counters, meter }
}

describe("the meter", () => {
  it("counts every byte once: what came in is useful or waste", () => {
    const { counters, meter } = metered()
    counters.origin = 250
    counters.peer = 300
    meter.kept("Origin", 100, true)
    meter.kept("Origin", 100, false)
    meter.bad(100)
    meter.kept("Lan", 200, true)
    const waste = meter.waste()
    assert.deepStrictEqual(waste, { bad: 100, duplicate: 100, cancelled: 50 })
    assert.strictEqual(total(meter.useful()) + Tally.wasted(waste), counters.origin + counters.peer)
  })

  it("remembers what a source sent that has left, and counts it once when it comes back", () => {
    const { counters, meter } = metered()
    counters.peer = 300
    counters.sent = 40
    meter.leave(peer)
    meter.leave(peer)
    assert.strictEqual(meter.received().Lan, 300)
    assert.strictEqual(meter.sent(), 40)
    meter.join({ id: peer, kind: "Lan", received: () => 10, sent: () => 1 })
    assert.strictEqual(meter.received().Lan, 310)
    assert.strictEqual(meter.sent(), 41)
  })

  it("counts what the cache held as received from it, and never as waste", () => {
    const { meter } = metered()
    meter.kept("LocalCache", 500, true)
    assert.strictEqual(meter.received().LocalCache, 500)
    assert.strictEqual(Tally.wasted(meter.waste()), 0)
  })
})
