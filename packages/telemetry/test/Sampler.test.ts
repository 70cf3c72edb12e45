import { assert, describe, it } from "@effect/vitest"
import { Sampler } from "@piecework/telemetry"
import { Result } from "effect"

const id = (end: string) => end.padStart(32, "a")
const half = { isParentBased: false, ratio: 0.5 }

describe("Sampler", () => {
  for (const [name, argument, sampler] of [
    [undefined, undefined, { isParentBased: true, ratio: 1 }],
    ["always_on", undefined, { isParentBased: false, ratio: 1 }],
    ["always_off", "1", { isParentBased: false, ratio: 0 }],
    ["traceidratio", "0.25", { isParentBased: false, ratio: 0.25 }],
    ["traceidratio", undefined, { isParentBased: false, ratio: 1 }],
    ["parentbased_always_on", undefined, { isParentBased: true, ratio: 1 }],
    ["parentbased_always_off", undefined, { isParentBased: true, ratio: 0 }],
    ["parentbased_traceidratio", "0", { isParentBased: true, ratio: 0 }]
  ] as const) {
    it(`takes ${name ?? "nothing"} ${argument ?? ""}`, () => {
      assert.deepStrictEqual(Sampler.parse(name, argument), Result.succeed(sampler))
    })
  }

  for (const [name, argument] of [
    ["traceidratio", "2"],
    ["traceidratio", "-0.1"],
    ["parentbased_traceidratio", "half"],
    ["jaeger_remote", undefined],
    ["parentbased_", undefined]
  ] as const) {
    it(`says that ${name} ${argument ?? ""} is none`, () => {
      assert.isTrue(Result.isFailure(Sampler.parse(name, argument)))
    })
  }

  it("goes by the end of the id alone, so that all who ask say the same", () => {
    assert.isTrue(Sampler.takes(half, id("7ffffffffffff")))
    assert.isFalse(Sampler.takes(half, id("8000000000000")))
    assert.isFalse(Sampler.takes({ ...half, ratio: 0 }, id("0000000000000")))
    assert.isTrue(Sampler.takes({ ...half, ratio: 1 }, id("fffffffffffff")))
  })
})
