import { assert, describe, it } from "@effect/vitest"
import { PieceLayout } from "@piecework/domain"
import type { Block } from "@piecework/wire/Message"
import { Requests } from "../src/internal/Requests.ts"
import { block } from "./rawPeer.ts"
import { at } from "./support.ts"

/** Three pieces of 4 KiB and one of 100 bytes, in blocks of 1 KiB. */
const layout = new PieceLayout.PieceLayout({ contentSize: 3 * 4096 + 100, pieceSize: 4096 })
const make = (maxAsked = 100) => new Requests(layout, 1024, maxAsked)
const ask = (requests: Requests, most?: number) => {
  const next = requests.next(most)
  if (next !== undefined) requests.ask(next)
  return next
}
const askAll = (requests: Requests, most?: number) => {
  const asked: Array<Block> = []
  for (let next = ask(requests, most); next !== undefined; next = ask(requests, most)) asked.push(next)
  return asked
}

describe("Requests", () => {
  it("asks for the blocks of the pieces in their order, the last one short", () => {
    const requests = make()
    requests.add(at(3))
    requests.add(at(1))
    assert.deepStrictEqual(askAll(requests), [
      block(3, 0, 100),
      block(1, 0, 1024),
      block(1, 1024, 1024),
      block(1, 2048, 1024),
      block(1, 3072, 1024)
    ])
  })

  it("accepts only what was asked for, once", () => {
    const requests = make()
    const arrival = requests.add(at(1))
    assert.isUndefined(requests.begin(block(1, 0, 1024)))
    askAll(requests)
    for (const bad of [
      block(1, 0, 1023),
      block(1, 1, 1024),
      block(1, 4096, 1024),
      block(1, 4096, 0),
      block(2, 0, 1024)
    ]) {
      assert.isUndefined(requests.begin(bad))
    }
    assert.strictEqual(requests.begin(block(1, 0, 1024)), arrival)
    assert.isUndefined(requests.begin(block(1, 0, 1024)))
  })

  it("is complete when the last block is, in whatever order they come", () => {
    const requests = make()
    const arrival = requests.add(at(1))
    askAll(requests)
    const done = [2048, 0, 3072, 1024].map((offset) => {
      requests.begin(block(1, offset, 1024))
      return requests.finish(arrival, block(1, offset, 1024))
    })
    assert.deepStrictEqual(done, [false, false, false, true])
    assert.strictEqual(requests.size, 0)
  })

  it("answers what is to be taken back, and forgives each of its answers once", () => {
    const requests = make()
    const arrival = requests.add(at(1))
    ask(requests)
    ask(requests)
    requests.begin(block(1, 0, 1024))
    assert.deepStrictEqual(requests.remove(arrival), [block(1, 1024, 1024)])
    assert.deepStrictEqual(requests.remove(arrival), [])
    assert.strictEqual(requests.begin(block(1, 1024, 1024)), "Stale")
    assert.isUndefined(requests.begin(block(1, 1024, 1024)))
  })

  it("asks for as many as it may again once they were forgotten", () => {
    const requests = make(2)
    requests.add(at(1))
    assert.strictEqual(askAll(requests).length, 2)
    requests.forgetAll()
    assert.deepStrictEqual(askAll(requests), [block(1, 0, 1024), block(1, 1024, 1024)])
  })

  it("asks for less at a time where it has to, and for whole blocks again of what is left", () => {
    const requests = new Requests(layout, 2048, 100, 512)
    const arrival = requests.add(at(1))
    assert.deepStrictEqual(ask(requests, 1500), block(1, 0, 1024))
    assert.deepStrictEqual(ask(requests, 1), block(1, 1024, 512))
    assert.deepStrictEqual(askAll(requests), [block(1, 1536, 2048), block(1, 3584, 512)])
    assert.isUndefined(requests.begin(block(1, 0, 512)))
    assert.isUndefined(requests.begin(block(1, 512, 512)))
    assert.isUndefined(requests.begin(block(1, 2048, 1536)))
    for (const one of [block(1, 3584, 512), block(1, 1024, 512), block(1, 0, 1024), block(1, 1536, 2048)]) {
      assert.strictEqual(requests.begin(one), arrival)
    }
    assert.isUndefined(requests.begin(block(1, 0, 1024)))
  })

  it("takes an answer to a forgotten request for several that were made since, whose own answers are none any more", () => {
    const requests = new Requests(layout, 2048, 2, 512)
    const arrival = requests.add(at(1))
    askAll(requests)
    assert.deepStrictEqual(requests.forgetAll(), [block(1, 0, 2048), block(1, 2048, 2048)])
    assert.deepStrictEqual(askAll(requests, 512), [block(1, 0, 512), block(1, 512, 512)])
    assert.strictEqual(requests.begin(block(1, 0, 2048)), arrival)
    assert.strictEqual(requests.begin(block(1, 0, 512)), "Stale")
    assert.strictEqual(requests.begin(block(1, 512, 512)), "Stale")
    assert.isUndefined(requests.begin(block(1, 512, 512)))
    assert.deepStrictEqual(askAll(requests, 512), [block(1, 2048, 512), block(1, 2560, 512)])
  })

  it("has no use for an answer to a forgotten request of which a part has come, or that cuts through another", () => {
    const requests = new Requests(layout, 1024, 100, 512)
    const arrival = requests.add(at(1))
    askAll(requests)
    requests.forgetAll()
    ask(requests, 512)
    assert.strictEqual(requests.begin(block(1, 0, 512)), arrival)
    assert.deepStrictEqual(ask(requests), block(1, 512, 1024))
    assert.strictEqual(requests.begin(block(1, 0, 1024)), "Stale")
    assert.strictEqual(requests.begin(block(1, 1024, 1024)), "Stale")
    assert.strictEqual(requests.begin(block(1, 512, 1024)), arrival)
    assert.strictEqual(requests.begin(block(1, 2048, 1024)), arrival)
  })

  it("remembers a bounded number of requests that do not count any more", () => {
    const many = new PieceLayout.PieceLayout({ contentSize: 5000 * 4096, pieceSize: 4096 })
    const requests = new Requests(many, 4096, 5000)
    for (let n = 0; n < 5000; n++) requests.remove(asked(requests, n))
    assert.isUndefined(requests.begin(block(0, 0, 4096)))
    assert.strictEqual(requests.begin(block(4999, 0, 4096)), "Stale")
    assert.strictEqual(requests.begin(block(5000 - 4096, 0, 4096)), "Stale")
  })
})

const asked = (requests: Requests, piece: number) => {
  const arrival = requests.add(at(piece))
  ask(requests)
  return arrival
}
