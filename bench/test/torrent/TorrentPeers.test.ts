import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { Meter } from "../../src/Meter.ts"
import * as TestFile from "../../src/TestFile.ts"
import { clients } from "../../src/torrent/clients.ts"
import * as TorrentPeers from "../../src/torrent/TorrentPeers.ts"
import * as Workshop from "../../src/Workshop.ts"

layer(Layer.provideMerge(Meter.layer, NodeServices.layer), { excludeTestServices: true })("TorrentPeers", (it) => {
  for (const client of clients) {
    it.effect(
      `fetches a file from one ${client.tool} to another, where it is installed`,
      (context) =>
        Effect.gen(function* () {
          const version = yield* client.version
          if (Option.isNone(version)) return context.skip()
          const root = yield* Workshop.open(10_000_000)
          const file = yield* TestFile.make(`${root}/file`, 3_000_000)
          const options = { root, file, turns: 1, limitMillis: 100_000, wants: () => true, note: () => Effect.void }
          const contender = TorrentPeers.contender(options, client, version.value)
          const sample = yield* contender.run()
          assert.isAbove(sample.seconds, 0)
          assert.isNotNull(sample.otherEnd.cpuSeconds)
        }),
      115_000
    )
  }
})
