/**
 * Devices of one site that download through real front ends, with a network and an origin in memory; and the processes of a
 * cluster over a PostgreSQL of their own.
 */
import { createServer } from "node:net"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Catalog } from "@piecework/catalog/Catalog"
import { CloudConfig } from "@piecework/cloud"
import { Cloud } from "@piecework/cloud/Cloud"
import { Database } from "@piecework/database/Database"
import * as DatabaseConfig from "@piecework/database/DatabaseConfig"
import type { ContentId } from "@piecework/domain/Content"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { total } from "@piecework/domain/SourceKind"
import type { Progress } from "@piecework/download"
import { World } from "@piecework/testkit"
import { MemoryNetwork } from "@piecework/transport"
import { Context, Effect, Layer, Option, Redacted, Schedule, type Scope } from "effect"
import { start } from "./Program.ts"

export const devices = 20
const pieceSize = 65_536

/** When each device was last answered by an Array, in epoch milliseconds. */
interface Heard {
  join: number
  lease: number
}

export interface Fleet {
  readonly contentId: ContentId
  readonly url: ContentUrl
  readonly bytes: Uint8Array
  readonly world: World.World
  readonly heard: ReadonlyArray<Heard>
  /** Body bytes of the file that the origin has sent, as a part of the file. */
  readonly copies: () => number
  /** What every device ended with, its file compared. */
  readonly results: Effect.Effect<ReadonlyArray<Progress.DownloadResult>>
}

/** The devices begin at once, each with its own front end to ask first; they serve until the scope closes. */
export const make = (
  database: Redacted.Redacted,
  frontEnds: ReadonlyArray<string>,
  { seconds }: { readonly seconds: number }
): Effect.Effect<Fleet, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const bytes = World.bytesOf(8 * 1_048_576 + 77, 5)
    const origin = MemoryNetwork.line(bytes.length / seconds)
    const link = (from: string) => ({ latency: "2 millis", lines: from === World.originHost ? [origin] : [] }) as const
    const world = yield* World.make({ pieceSize, network: { link } })
    const { phf, url } = yield* world.publish("/file", bytes)
    const published = yield* Layer.build(
      Catalog.layer.pipe(Layer.provide(Database.layer), Layer.provide(DatabaseConfig.layer({ url: database })))
    )
    yield* Context.get(published, Catalog).publish(phf, [url])

    // Processes that have only just begun answer their first calls slowly, and do not know each other for two seconds.
    for (const frontEnd of frontEnds) {
      const cloud = yield* cloudAt(frontEnd)
      const others = Effect.flatMap(cloud.lookup({ url }), (found) => cloud.discover(found, phf.contentId))
      yield* others.pipe(
        Effect.filterOrFail(({ length }) => length >= frontEnds.length),
        Effect.retry({ schedule: Schedule.spaced("500 millis"), times: 20 })
      )
    }

    const heard = Array.from({ length: devices }, (): Heard => ({ join: 0, lease: 0 }))
    const active = yield* Effect.forEach(heard, (own, n) =>
      Effect.gen(function* () {
        const cloud = noting(yield* cloudAt(frontEnds[n % frontEnds.length] ?? ""), own)
        const client = yield* world.client({ cloud: Layer.succeed(Cloud, cloud) })
        return { client, download: yield* client.start({ url }) }
      })
    )
    const results = Effect.forEach(
      active,
      ({ client, download }) =>
        Effect.gen(function* () {
          const result = yield* Effect.orDie(download.result)
          const file = Option.getOrThrow(yield* client.file("/out/file"))
          if (Buffer.compare(file, bytes) !== 0) return yield* Effect.die(`${client.host} has another file`)
          return result
        }),
      { concurrency: "unbounded" }
    )
    return {
      contentId: phf.contentId,
      url,
      bytes,
      world,
      heard,
      results,
      copies: () => world.origin.sent("/file") / bytes.length
    }
  })

/** The services as the device's program has them. */
const cloudAt = (serviceUrl: string) =>
  Effect.map(
    Layer.build(Cloud.layer.pipe(Layer.provide([CloudConfig.layer({ serviceUrl }), NodeHttpClient.layerUndici]))),
    Context.get(Cloud)
  )

const noting = (cloud: Cloud["Service"], heard: Heard): Cloud["Service"] =>
  Cloud.of({
    ...cloud,
    join: (url, request) =>
      Effect.tap(cloud.join(url, request), () => Effect.sync(() => void (heard.join = Date.now()))),
    lease: (url, request) =>
      Effect.tap(cloud.lease(url, request), () => Effect.sync(() => void (heard.lease = Date.now())))
  })

/** What all took from everywhere, as a part of what they needed. */
export const taken = (results: ReadonlyArray<Progress.DownloadResult>): number =>
  results.reduce((sum, { received }) => sum + total(received), 0) /
  results.reduce((sum, { fileBytes }) => sum + fileBytes, 0)

/** A process of the cluster; clients find it at `url`, other runners at `runner`. */
export const process = Effect.fnUntraced(function* (
  database: Redacted.Redacted,
  { isRunner = true, ...of }: { readonly isRunner?: boolean; readonly metadata?: string }
) {
  // Both at once, so that they are not one.
  const [port, runnerPort] = yield* Effect.all([freePort, freePort], { concurrency: 2 })
  const url = `http://127.0.0.1:${port}`
  const runner = `127.0.0.1:${runnerPort}`
  const place = ["--host", "127.0.0.1", "--port", String(port), "--public-url", url]
  const cluster = ["--cluster", Redacted.value(database), ...(isRunner ? ["--runner", runner] : [])]
  const metadata = of.metadata === undefined ? [] : ["--role-url", `metadata=${of.metadata}`]
  const running = yield* start(...place, ...cluster, ...metadata, "--json")
  yield* Effect.promise(() => running.firstLine)
  return { ...running, url, runner }
})

/** Taken for a moment, in which nobody else gets it. */
const freePort = Effect.callback<number>((resume) => {
  const probe = createServer()
  probe.listen(0, "127.0.0.1", () => {
    const address = probe.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    setImmediate(() => probe.close(() => resume(Effect.succeed(port))))
  })
})
