import { assert, describe, it } from "@effect/vitest"
import { PeerId } from "@piecework/domain/Peer"
import * as Feeders from "../src/Feeders.ts"

const idOf = (n: number) => PeerId.make(String(n).padStart(40, "0"))

describe("Who fed a download", () => {
  it("is known of sessions that go on and of those that ended, and of two with one peer together", () => {
    const feeding = Feeders.make()
    let bytes = 5
    const [one, two] = [
      { peer: idOf(1), received: () => bytes },
      { peer: idOf(1), received: () => 2 }
    ]
    feeding.joined(one)
    feeding.joined(two)
    feeding.joined({ peer: idOf(2), received: () => 0 })
    bytes = 7
    feeding.left(two)
    feeding.left(two)
    assert.deepStrictEqual(
      feeding.received(),
      new Map([
        [idOf(1), 9],
        [idOf(2), 0]
      ])
    )
  })

  it("is told as what came since the last time: sixteen that gave most, and none that gave nothing", () => {
    const before = new Map([
      [idOf(1), 100],
      [idOf(2), 50]
    ])
    const now = new Map([
      [idOf(1), 100],
      [idOf(2), 70],
      ...Array.from({ length: 20 }, (_, n) => [idOf(n + 3), n + 1] as const)
    ])
    const told = Feeders.since(before, now)
    assert.lengthOf(told, 16)
    assert.deepStrictEqual(told.slice(0, 3), [
      { peerId: idOf(2), bytes: 20 },
      { peerId: idOf(22), bytes: 20 },
      { peerId: idOf(21), bytes: 19 }
    ])
    assert.notInclude(
      told.map(({ peerId }) => peerId),
      idOf(1)
    )
  })
})
