import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import * as Aria2Peers from "../src/Aria2Peers.ts"
import { Meter } from "../src/Meter.ts"
import * as TestFile from "../src/TestFile.ts"
import * as Tools from "../src/Tools.ts"
import * as Workshop from "../src/Workshop.ts"

layer(Layer.provideMerge(Meter.layer, NodeServices.layer), { excludeTestServices: true })("Aria2Peers", (it) => {
  it.effect("fetches a file from one aria2c to another, where it is installed", (context) =>
    Effect.gen(function* () {
      const version = yield* Tools.version("aria2c")
      if (Option.isNone(version)) return context.skip()
      const root = yield* Workshop.open(10_000_000)
      const file = yield* TestFile.make(`${root}/file`, 3_000_000)
      const options = { root, file, turns: 1, limitMillis: 20_000, note: () => Effect.void }
      const contender = yield* Aria2Peers.contender(options, version.value)
      const sample = yield* contender.run()
      assert.isAbove(sample.seconds, 0)
    })
  )
})
