import { assert, describe, it } from "@effect/vitest"
import * as Rendezvous from "../src/Rendezvous.ts"

const places = ["https://a.example", "https://b.example", "https://c.example", "https://d.example"] as const
const keys = Array.from({ length: 4000 }, (_, n) => `DO-${n}`)

describe("A rendezvous", () => {
  it("is the same whoever computes it, in whatever order the places were named", () => {
    for (const key of keys.slice(0, 100)) {
      const [a, b, c, d] = places
      assert.deepStrictEqual(Rendezvous.ranked([d, b, a, c], key), Rendezvous.ranked(places, key))
    }
  })

  it("gives each place its part, and has every place in it once", () => {
    const counts = new Map<string, number>()
    for (const key of keys) {
      const ranked = Rendezvous.ranked(places, key)
      assert.strictEqual(new Set(ranked).size, 4)
      counts.set(ranked[0], (counts.get(ranked[0]) ?? 0) + 1)
    }
    for (const place of places) {
      const count = counts.get(place) ?? 0
      assert.isTrue(count > 850 && count < 1150, `${place}: ${count}`)
    }
  })

  it("moves only the keys of a place that goes, each to its second", () => {
    const [gone, ...others] = places
    const [b, ...rest] = others
    for (const key of keys) {
      const [first, second] = Rendezvous.ranked(places, key)
      assert.strictEqual(Rendezvous.ranked([b, ...rest], key)[0], first === gone ? second : first)
    }
  })
})
