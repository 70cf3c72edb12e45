import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Tracker from "../src/Tracker.ts"

const join = (members: Tracker.Members, id: string, port: number, event = "started") =>
  Tracker.announce(members, `info_hash=%21%F6&peer_id=${id}&port=${port}&left=0&event=${event}`, "127.0.0.1")

/** The reply without its peers, and the peers' bytes. */
const read = (reply: Uint8Array): readonly [string, ReadonlyArray<number>] => {
  const text = Buffer.from(reply).toString("latin1")
  const match = /^(.*5:peers)(\d+):/s.exec(text)
  const start = match?.[0].length ?? 0
  return [match?.[1] ?? text, [...Buffer.from(text.slice(start, start + Number(match?.[2])), "latin1")]]
}

describe("Tracker", () => {
  const [, one] = join(new Map(), "%01a", 6881)

  it("tells whoever announces of the others, in six bytes each", () => {
    const [reply] = join(one, "%02b", 6882)
    assert.deepStrictEqual(read(reply), ["d8:intervali30e5:peers", [127, 0, 0, 1, 0x1a, 0xe1]])
  })

  it("tells nobody of themselves", () => {
    assert.deepStrictEqual(read(join(one, "%01a", 6881)[0])[1], [])
  })

  it("forgets who stops", () => {
    const [, two] = join(one, "%02b", 6882)
    const [, after] = join(two, "%01a", 6881, "stopped")
    assert.deepStrictEqual([...after.keys()], ["%02b"])
  })

  it("refuses an announce without a peer id or with a port that is none", () => {
    for (const query of ["", "peer_id=x", "peer_id=x&port=0", "peer_id=x&port=70000", "port=1", "peer_id=x&port=1.5"]) {
      const [reply, members] = Tracker.announce(one, query, "127.0.0.1")
      assert.include(Buffer.from(reply).toString(), "failure reason", query)
      assert.strictEqual(members, one)
    }
  })

  it("remembers two hundred and fifty members at most", () => {
    let members: Tracker.Members = new Map()
    for (let i = 0; i < 300; i++) [, members] = join(members, `p${i}`, 1000 + i)
    assert.strictEqual(members.size, 250)
    assert.isTrue(members.has("p299"))
  })

  it.live("answers over HTTP", () =>
    Effect.gen(function* () {
      const tracker = yield* Tracker.serve()
      const response = yield* Effect.promise(() => fetch(`${tracker.url}?peer_id=z&port=5000&left=7`))
      assert.strictEqual(yield* Effect.promise(() => response.text()), "d8:intervali30e5:peers0:e")
      assert.deepStrictEqual([...tracker.members()], [["z", { host: "127.0.0.1", port: 5000, left: 7 }]])
    })
  )
})
