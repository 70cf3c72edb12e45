import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import * as Ladder from "../../src/ladder/Ladder.ts"
import { Meter } from "../../src/Meter.ts"
import * as Tools from "../../src/Tools.ts"

layer(Layer.provideMerge(Meter.layer, NodeServices.layer), { excludeTestServices: true })("Ladder", (it) => {
  it.effect(
    "fetches files of all sizes by a running agent and by curl, where there is curl",
    (context) =>
      Effect.gen(function* () {
        if (Option.isNone(yield* Tools.version("curl"))) return context.skip()
        const notes: Array<string> = []
        const note = (text: string) => Effect.sync(() => void notes.push(text))
        const report = yield* Ladder.run({ sizes: [1, 1000, 1_200_000], turns: 1, note })
        assert.deepStrictEqual(
          report.steps.map(({ bytes }) => bytes),
          [1, 1000, 1_200_000]
        )
        for (const { api, curl, rest } of report.steps) {
          assert.isAbove(curl.millis.min, 0)
          for (const { millis, ratioToCurl } of [api, rest]) {
            assert.isAbove(millis.min, 0)
            assert.isAbove(ratioToCurl, 0)
          }
        }
        // curl as a whole process takes longer than its transfer.
        assert.isAbove(report.curlProcessMillis.min, report.steps[0]?.curl.millis.min ?? Number.NaN)
        assert.lengthOf(notes, 3)
        return undefined
      }),
    180_000
  )
})
