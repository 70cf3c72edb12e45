import { assert, describe, it } from "@effect/vitest"
import * as Contest from "../src/Contest.ts"
import * as Ratios from "../src/Ratios.ts"

const gib = 1_073_741_824

const of = (seconds: number, cpuSeconds: number | null = 1): Contest.Standing =>
  Contest.standing("1", [{ seconds, cpuSeconds, peakRssBytes: 1, otherEnd: { cpuSeconds: 0.5, peakRssBytes: 1 } }], gib)

const pair: Ratios.Pair = {
  small: { piecework: of(1), aria2c: of(4), rtorrent: of(2), deluge: Contest.absent("apt-get install deluged") },
  large: {
    piecework: of(2, 1.5),
    aria2c: of(10, 0.5),
    rtorrent: of(2, null),
    deluge: Contest.absent("apt-get install deluged")
  }
}

describe("Ratios", () => {
  it("has one for each tool that is there, and one beyond the start", () => {
    assert.deepStrictEqual(Ratios.times("peerTo", pair), {
      peerToAria2: 5,
      peerToAria2BeyondStart: 6,
      peerToRtorrent: 1,
      // Its small file took as long as its large one.
      peerToRtorrentBeyondStart: null
    })
  })

  it("compares the processor time of both ends together, where both are known", () => {
    assert.deepStrictEqual(Ratios.processors(pair), { cpuToAria2: 2, cpuToRtorrent: null })
  })

  it("knows nothing of a tool that fell out", () => {
    const failed = Contest.standing("1", [], gib, "it broke")
    const broken = { small: { ...pair.small, aria2c: failed }, large: { ...pair.large, aria2c: failed } }
    assert.isNull(Ratios.times("peerTo", broken)["peerToAria2"])
    assert.isNull(Ratios.times("peerTo", broken)["peerToAria2BeyondStart"])
    assert.isNull(Ratios.processors(broken)["cpuToAria2"])
  })
})
