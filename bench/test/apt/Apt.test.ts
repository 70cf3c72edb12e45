import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import * as Apt from "../../src/apt/Apt.ts"
import { Meter } from "../../src/Meter.ts"
import * as Namespaces from "../../src/site/Namespaces.ts"

layer(Layer.provideMerge(Meter.layer, NodeServices.layer), { excludeTestServices: true })(
  "apt-get through the proxy of an agent, where there are root, iproute2, apt-get and dpkg-deb,",
  (it) => {
    it.effect(
      "installs a package on a second machine from the first, and the origin sends it once",
      (context) =>
        Effect.gen(function* () {
          const isPossible = Result.isSuccess(yield* Effect.result(Namespaces.means)) && (yield* Apt.hasTools)
          if (!isPossible) return context.skip()
          const report = yield* Apt.run({ bytes: Apt.usualBytes, note: () => Effect.void })
          assert.deepStrictEqual(Apt.failures(report), [])
          assert.deepStrictEqual([report.first.fromHttp, report.first.fromPeers], [report.packageBytes, 0])
          assert.deepStrictEqual([report.second.fromHttp, report.second.fromPeers], [0, report.packageBytes])
          // The lists, and what it takes to find each other.
          assert.isBelow(report.second.overTheLine, report.packageBytes / 10)
        }),
      240_000
    )
  }
)
