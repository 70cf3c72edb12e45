/** Microsoft's published scenarios, scaled: the file is 16 MiB, and a delay of a minute is one of four seconds. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import { Meter } from "../../src/Meter.ts"
import * as Namespaces from "../../src/site/Namespaces.ts"
import * as Scene from "./Scene.ts"

const group = { DODownloadMode: 2, DOGroupId: "6f9619ff-8b86-d011-b42d-00c04fc964ff", DORestrictPeerSelectionBy: 0 }
const delayed = { ...group, DODelayForegroundDownloadFromHttp: 4, DODelayBackgroundDownloadFromHttp: 4 }

/** A port takes more than a second for the file, in which a machine meets all that have it. */
const site = { bytes: 16 * 1_048_576, wan: 40e6, lan: 100e6, hasService: true }

layer(Layer.provideMerge(Meter.layer, NodeServices.layer), { excludeTestServices: true })(
  "Microsoft's scenario, where there are root and iproute2,",
  (it) => {
    it.effect(
      "1: the second of two machines of a group has at least half from the first, counted as of the LAN",
      (context) =>
        Effect.gen(function* () {
          if (Result.isFailure(yield* Effect.result(Namespaces.means))) return context.skip()
          const { file, machine } = yield* Scene.make({ ...site, devices: 2 })
          const [one, two] = [machine(1, group), machine(2, group)]
          const first = yield* one.get
          assert.deepStrictEqual([first.mode, first.percent], ["Group", 0])
          yield* one.serve
          assert.strictEqual((yield* one.status).Status, "Caching")

          const second = yield* two.get
          assert.strictEqual(second.mode, "Group")
          assert.isAtLeast(second.percent, 50)
          assert.isAtMost(second.percent, 100)
          assert.deepStrictEqual([second.peers, second.bytes.Group], [1, 0])
          assert.strictEqual(second.bytes.Lan + second.bytes.Origin, file.size)
          const { BytesFromHttp, BytesFromLanPeers, BytesFromPeers, BytesWasted, PercentPeerCaching } =
            yield* two.status
          assert.deepStrictEqual(
            [BytesFromPeers, BytesFromHttp + BytesFromLanPeers],
            [BytesFromLanPeers, file.size + BytesWasted]
          )
          assert.approximately(PercentPeerCaching, second.percent, 0.5)
        }),
      120_000
    )

    it.effect(
      "2: with delays of HTTP the second and third of three machines have at least 99 % from peers, the third from two",
      (context) =>
        Effect.gen(function* () {
          if (Result.isFailure(yield* Effect.result(Namespaces.means))) return context.skip()
          const { machine } = yield* Scene.make({ ...site, devices: 3 })
          const [one, two, three] = [machine(1, delayed), machine(2, delayed), machine(3, delayed)]
          const [second, third] = yield* Effect.scoped(
            Effect.gen(function* () {
              assert.strictEqual((yield* one.get).percent, 0)
              yield* one.serve
              const byTwo = yield* two.get
              yield* two.serve
              return [byTwo, yield* three.get] as const
            })
          )
          assert.isAtLeast(second.percent, 99)
          assert.isAtLeast(third.percent, 99)
          assert.deepStrictEqual([second.peers, third.peers], [1, 2])
          // What was given is what was taken, but for what was under way when the last byte came; each of the two that had it gave some.
          const [byOne, byTwo, byThree] = yield* Effect.forEach([one, two, three], ({ status }) =>
            Effect.map(status, ({ BytesToPeers }) => BytesToPeers)
          )
          const taken = second.cameIn + third.cameIn
          const given = (byOne ?? 0) + (byTwo ?? 0)
          assert.isAtLeast(given, taken)
          assert.isAtMost(given, taken + 2 * 1_048_576)
          assert.isAbove(byTwo ?? 0, 0)
          assert.isAbove(byOne ?? 0, second.cameIn)
          assert.strictEqual(byThree, 0)
        }),
      120_000
    )
  }
)
