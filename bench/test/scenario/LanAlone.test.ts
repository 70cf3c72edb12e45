/** No service: devices of one network find each other by DNS-SD, and share with nobody but their own group. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import { Meter } from "../../src/Meter.ts"
import * as Namespaces from "../../src/site/Namespaces.ts"
import * as Scene from "./Scene.ts"

const groups = ["6f9619ff-8b86-d011-b42d-00c04fc964ff", "11111111-8b86-d011-b42d-00c04fc964ff"] as const

/** HTTP waits so many seconds for neighbours. */
const of = (group: 0 | 1, seconds: number): Scene.Policy => ({
  DODownloadMode: 2,
  DOGroupId: groups[group],
  DORestrictPeerSelectionBy: 2,
  DODelayForegroundDownloadFromHttp: seconds
})

layer(Layer.provideMerge(Meter.layer, NodeServices.layer), { excludeTestServices: true })(
  "Without a service, where there are root and iproute2,",
  (it) => {
    it.effect(
      "a device finds the one that has the file and takes it from there, and one of another group takes nothing",
      (context) =>
        Effect.gen(function* () {
          if (Result.isFailure(yield* Effect.result(Namespaces.means))) return context.skip()
          const site = { devices: 3, bytes: 12 * 1_048_576, wan: 100e6, lan: 100e6, hasService: false }
          const { file, machine } = yield* Scene.make(site)
          // Long enough to be found on a machine that is busy, and for the stranger to have found somebody else.
          const [one, two, stranger] = [machine(1, of(0, 0)), machine(2, of(0, 30)), machine(3, of(1, 3))]
          const first = yield* one.get
          assert.deepStrictEqual([first.percent, first.bytes.Origin], [0, file.size])
          yield* one.serve
          const second = yield* two.get
          assert.deepStrictEqual([second.mode, second.peers], ["Group", 1])
          assert.isAtLeast(second.percent, 99)
          const third = yield* stranger.get
          assert.deepStrictEqual([third.percent, third.peers, third.bytes.Origin], [0, 0, file.size])
          assert.strictEqual((yield* two.status).BytesToPeers, 0)
        }),
      120_000
    )
  }
)
