import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Ref } from "effect"
import * as Contest from "../src/Contest.ts"
import { ProgramError } from "../src/Meter.ts"

const gib = 1_073_741_824
const sampleOf = (seconds: number, cpuSeconds: number | null = 1): Contest.Sample => ({
  seconds,
  cpuSeconds,
  peakRssBytes: cpuSeconds === null ? null : seconds * 1000,
  otherEnd: { cpuSeconds: 0.5, peakRssBytes: 7 }
})

const of = (seconds: number) => Contest.standing("", [sampleOf(seconds)], gib)
const usage = (cpuSeconds: number) => Option.some({ cpuSeconds, peakRssBytes: 10 })

describe("Contest", () => {
  it.effect("takes the contenders in turns, and drops one that fails", () =>
    Effect.gen(function* () {
      const order = yield* Ref.make<ReadonlyArray<string>>([])
      const contender = (name: string, failsIn?: number): Contest.Contender<never> => ({
        name,
        version: name,
        run: (turn) =>
          Effect.andThen(
            Ref.update(order, (so) => [...so, `${name}${turn}`]),
            turn === failsIn
              ? Effect.fail(new ProgramError({ name, reason: "Failed", exitCode: 3, detail: "oh" }))
              : Effect.succeed(sampleOf(turn))
          )
      })
      const [a, b] = yield* Contest.hold({
        contenders: [contender("a"), contender("b", 2)],
        turns: 3,
        bytes: gib,
        note: () => Effect.void
      })
      assert.deepStrictEqual(yield* Ref.get(order), ["a1", "b1", "a2", "b2", "a3"])
      assert.strictEqual(a?.seconds?.median, 2)
      assert.strictEqual(b?.failed, "b ended before its work was done (exit code 3): oh")
      assert.isNull(a === undefined || b === undefined ? 0 : Contest.ratio(a, b))
    })
  )

  it("gives medians of time and processor time per GiB, and the highest peak", () => {
    const runs = [sampleOf(4, 2), sampleOf(1, 6), sampleOf(2, 3)]
    const { runs: _, ...figures } = Contest.standing("1.0", runs, gib / 2)
    assert.deepStrictEqual(figures, {
      installed: true,
      version: "1.0",
      seconds: { median: 2, min: 1, max: 4 },
      mebibytesPerSecond: 256,
      cpuSecondsPerGib: 6,
      otherEndCpuSecondsPerGib: 1,
      peakRssBytes: 4000,
      otherEndPeakRssBytes: 7
    })
  })

  it("does not give more digits than were measured", () => {
    assert.strictEqual(Contest.standing("", [sampleOf(0.1), sampleOf(0.2)], gib).seconds?.median, 0.15)
  })

  it("leaves out what the system does not tell", () => {
    const standing = Contest.standing("", [sampleOf(1, null)], gib)
    assert.isFalse("cpuSecondsPerGib" in standing)
    assert.isFalse("peakRssBytes" in standing)
  })

  it("is faster by what the other took longer", () => {
    const [fast, slow] = [of(2), of(5)]
    assert.strictEqual(Contest.ratio(fast, slow), 2.5)
    assert.isNull(Contest.ratio(fast, Contest.absent("apt-get install it")))
  })

  it("takes the start off both sides when asked to", () => {
    assert.strictEqual(Contest.ratioBeyond([of(1), of(2)], [of(4), of(10)]), 6)
    assert.isNull(Contest.ratioBeyond([of(2), of(1)], [of(4), of(10)]))
    assert.isNull(Contest.ratioBeyond([of(1), of(2)], [Contest.absent(""), Contest.absent("")]))
  })

  it("counts of the other end only what it used meanwhile", () => {
    const sample = Contest.sample({ seconds: 1, usage: usage(0.3) }, usage(2), usage(2.25))
    assert.deepStrictEqual(sample.otherEnd, { cpuSeconds: 0.25, peakRssBytes: 10 })
    assert.isNull(Contest.sample({ seconds: 1, usage: Option.none() }, Option.none(), usage(1)).otherEnd.cpuSeconds)
  })
})
