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
          const { first, originCopies, packageBytes, second } = report
          assert.isTrue(first.isRight && second.isRight)
          assert.deepStrictEqual([first.fromHttp - first.wasted, first.fromPeers], [packageBytes, 0])
          assert.strictEqual(second.fromHttp + second.fromPeers - second.wasted, packageBytes)
          // All of it, unless the machine is so busy that the service does not answer for seconds.
          assert.isAbove(second.fromPeers, packageBytes / 2)
          assert.isBelow(second.overTheLine, packageBytes / 2)
          assert.isBelow(originCopies, 1.5)
        }),
      240_000
    )
  }
)
