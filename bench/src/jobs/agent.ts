/**
 * Many downloads in one process: `agent.ts PLAN.json`. It stands on the layers that the client stands on, and prints its
 * outcome as one line of JSON.
 */
import { readFileSync } from "node:fs"
import { randomBytes } from "node:crypto"
import { join } from "node:path"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { CacheConfig, PartialFile, PieceCache } from "@piecework/cache"
import { Cloud, CloudConfig } from "@piecework/cloud"
import { ContentUrl, Peer } from "@piecework/domain"
import { Destination, DownloadConfig, Downloader, Records } from "@piecework/download"
import { BufferPool, BufferPoolConfig, HasherConfig, PieceHasher } from "@piecework/hashing"
import { Bans, PeerConfig, PeerHost } from "@piecework/peers"
import { HttpClient, HttpClientConfig } from "@piecework/sources"
import { Transport } from "@piecework/transport"
import { Clock, Console, Effect, Layer, Schema } from "effect"
import { FetchHttpClient } from "effect/http"
import { type Outcome, Plan } from "./Plan.ts"

const host = "127.0.0.1"

const client = ({ service, state }: Plan) => {
  const self = Peer.idOf(Peer.DeviceId.make(randomBytes(16).toString("hex")), 0)
  const storage = Layer.mergeAll(PieceCache.PieceCache.layer, PartialFile.PartialFiles.layer).pipe(
    Layer.provide(CacheConfig.layer({ directory: join(state, "cache") })),
    Layer.merge(Records.Records.layer(join(state, "records"))),
    Layer.provideMerge(PieceHasher.PieceHasher.layer),
    Layer.provide(HasherConfig.layer())
  )
  const cloud = Cloud.Cloud.layer.pipe(
    Layer.provide([CloudConfig.layer({ serviceUrl: service }), FetchHttpClient.layer])
  )
  const peers = PeerHost.PeerHost.layer.pipe(
    Layer.provide(PeerConfig.layer({ self, host, port: 0 })),
    Layer.provideMerge(Bans.Bans.layer)
  )
  return Downloader.Downloader.layer.pipe(
    Layer.provide(peers),
    Layer.provide([cloud, DownloadConfig.layer({ reportedHost: host }), Destination.Destination.layer]),
    Layer.provide(HttpClient.HttpClient.layer.pipe(Layer.provide(HttpClientConfig.layer()))),
    Layer.provide(Transport.Transport.layer),
    Layer.provide(storage),
    Layer.provide(BufferPool.BufferPool.layer.pipe(Layer.provide(BufferPoolConfig.layer())))
  )
}

const work = Effect.fnUntraced(function* (plan: Plan) {
  const downloader = yield* Downloader.Downloader
  const before = yield* Clock.currentTimeNanos
  const usedBefore = process.cpuUsage()
  const modes = yield* Effect.forEach(
    plan.jobs,
    ({ path, url }) =>
      Effect.gen(function* () {
        const parsed = yield* Effect.fromResult(ContentUrl.parse(url))
        const active = yield* downloader.start({ url: parsed, path, mode: plan.mode, link: true })
        const { mode } = yield* active.result
        return mode
      }).pipe(Effect.scoped),
    { concurrency: plan.atOnce }
  )
  const used = process.cpuUsage(usedBefore)
  const outcome: Outcome = {
    seconds: Number((yield* Clock.currentTimeNanos) - before) / 1e9,
    cpuSeconds: (used.user + used.system) / 1e6,
    modes: Object.fromEntries([...new Set(modes)].map((mode) => [mode, modes.filter((one) => one === mode).length]))
  }
  yield* Console.log(JSON.stringify(outcome))
})

Effect.suspend(() =>
  Schema.decodeUnknownEffect(Schema.fromJsonString(Plan))(readFileSync(process.argv[2] ?? "", "utf8"))
).pipe(
  Effect.flatMap((plan) => Effect.provide(work(plan), client(plan))),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain
)
