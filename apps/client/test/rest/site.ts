/** The REST interface over jobs that download for real: sockets, a cache and files in a folder that is gone afterwards. */
import { join } from "node:path"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { CacheHosts } from "@piecework/cachehosts/CacheHosts"
import type { DownloadMode } from "@piecework/domain/DownloadMode"
import { DeviceId, idOf } from "@piecework/domain/Peer"
import { Destination, DownloadConfig, Downloader, NoPeers } from "@piecework/download"
import { BufferPool, BufferPoolConfig } from "@piecework/hashing"
import { DownloadRunner, JobFiles, JobNetwork, Jobs, JobsConfig, JobStore } from "@piecework/jobs"
import { Bans } from "@piecework/peers"
import * as LivePolicy from "@piecework/policy/LivePolicy"
import type { Policy } from "@piecework/policy/Policy"
import { HttpClient, HttpClientConfig } from "@piecework/sources"
import { Transport } from "@piecework/transport"
import { Duration, Effect, Layer, Schedule } from "effect"
import * as Storage from "../../src/Storage.ts"
import { AdminFile, defaults } from "../../src/rest/AdminFile.ts"
import * as RestServer from "../../src/rest/RestServer.ts"
import * as Programs from "../support/programs.ts"
import { ask } from "./support.ts"

export interface SiteOptions {
  readonly mode?: DownloadMode | undefined
  readonly network?: (() => ReturnType<typeof connected>) | undefined
  /** The settings; default the built-in ones. With them the cache servers that they name are asked. */
  readonly policy?: Policy | undefined
  /** How long an origin may be silent, in milliseconds. Default 30 s. */
  readonly patience?: number | undefined
}

const connected = () => JobNetwork.JobNetwork.connected

export type Status = Readonly<
  Record<"Status" | "BytesTotal" | "BytesTransferred" | "ErrorCode" | "ExtendedErrorCode", string>
>

/** The number of a text, in the form that the documents have. */
export const hex = (text: string): string => `0x${(Number(text) >>> 0).toString(16).toUpperCase().padStart(8, "0")}`

export const make = (options: SiteOptions = {}) =>
  Effect.gen(function* () {
    const root = yield* Programs.folder
    const patience = Duration.millis(options.patience ?? 30_000)
    const downloads = Downloader.Downloader.layer.pipe(
      Layer.provide([
        HttpClient.HttpClient.layer.pipe(
          Layer.provide([
            Transport.Transport.layer,
            HttpClientConfig.layer({ headTimeout: patience, stallTimeout: patience })
          ])
        ),
        Bans.Bans.layer,
        NoPeers.layer(idOf(DeviceId.make("0".repeat(32)), 1)),
        // What the first request fails with is the job's business soon.
        DownloadConfig.layer({ firstByteTimeout: "2 seconds" }),
        Destination.Destination.layer,
        BufferPool.BufferPool.layer.pipe(Layer.provide(BufferPoolConfig.layer())),
        Storage.stored({ cache: join(root, "cache"), records: join(root, "records") }),
        options.policy === undefined ? Layer.empty : CacheHosts.layerMemory()
      ]),
      Layer.provide(options.policy === undefined ? Layer.empty : LivePolicy.layerConstant(options.policy))
    )
    const jobs = Jobs.Jobs.layer.pipe(
      Layer.provide([
        DownloadRunner.layer(Effect.succeed(options.mode ?? "Lan")).pipe(Layer.provide(downloads)),
        JobFiles.JobFiles.layer,
        JobNetwork.JobNetwork.layerOf(() => (options.network ?? connected)()),
        JobStore.JobStore.layer(join(root, "jobs")),
        JobsConfig.layer()
      ]),
      Layer.provide(NodeServices.layer)
    )
    const context = yield* Layer.build(Layer.merge(jobs, Layer.succeed(AdminFile, { current: () => defaults })))
    const port = yield* Effect.provide(RestServer.serve(), context)

    const post = (method: string, given: Readonly<Record<string, string>>) =>
      ask(port, "POST", `/download/${method}?${new URLSearchParams(given).toString().replaceAll("+", "%20")}`)
    const status = (id: string) =>
      Effect.map(ask(port, "GET", `/download/getstatus?Id=${id}`), ([, body]) => JSON.parse(body) as Status)
    /** The status once this is so of it. */
    const until = (id: string, isSo: (now: Status) => boolean) =>
      Effect.repeat(status(id), { until: isSo, schedule: Schedule.spaced("10 millis") })
    const create = (given: Readonly<Record<string, string>>) =>
      Effect.map(post("create", given), ([, body]) => (JSON.parse(body) as { readonly Id: string }).Id)
    /** A job for the file `name` of the folder, under way. */
    const started = (uri: string, name: string, more: Readonly<Record<string, string>> = {}) =>
      Effect.gen(function* () {
        const id = yield* create({ Uri: uri, DownloadFilePath: join(root, name), ...more })
        yield* post("start", { Id: id })
        return id
      })
    return { root, port, post, status, until, create, started }
  })

export const isPaused = ({ Status: now }: Status): boolean => now === "Paused"
export const isTransferred = ({ Status: now }: Status): boolean => now === "Transferred"
