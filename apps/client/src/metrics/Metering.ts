/** Serves the agent's metrics, for as long as the scope lasts. Loaded where somebody wants them. */
import { CacheKeeper } from "@piecework/cache/CacheKeeper"
import * as CacheRules from "@piecework/cache/CacheRules"
import { Activity } from "@piecework/download/Activity"
import * as Figures from "@piecework/download/Figures"
import * as Outcomes from "@piecework/download/Outcomes"
import type { Jobs } from "@piecework/jobs/Jobs"
import { Bans, begin as beginBans } from "@piecework/peers/Bans"
import { LivePolicy } from "@piecework/policy/LivePolicy"
import * as EventLoop from "@piecework/telemetry/EventLoop"
import * as MetricsServer from "@piecework/telemetry/MetricsServer"
import * as ProcessMetrics from "@piecework/telemetry/ProcessMetrics"
import { Context, Effect, Layer, Option } from "effect"
import { HttpServer } from "effect/http"
import { version } from "../version.ts"
import * as DeviceMetrics from "./DeviceMetrics.ts"

/** Looking at the cache reads a small file of each content: callers within so long share one look. */
const cacheFor = "15 seconds"

/** Answers where: HOST:PORT. `jobs`: those that programs give, where they can. */
export const serve = Effect.fn("Metering.serve")(function* (
  place: MetricsServer.Options,
  jobs: () => Jobs["Service"] | undefined
) {
  const activity = yield* Activity
  const bans = yield* Bans
  const keeper = Option.getOrUndefined(yield* Effect.serviceOption(CacheKeeper))
  const policy = yield* LivePolicy
  yield* Effect.andThen(Outcomes.begin, beginBans)

  const look = Effect.gen(function* () {
    if (keeper === undefined) return { size: 0, contents: 0, limit: undefined, free: undefined, disk: undefined }
    const space = yield* keeper.space
    const kept = yield* keeper.list.pipe(
      // What cannot be read the log tells when it is to be served.
      Effect.orElseSucceed(() => [])
    )
    const { budget } = CacheRules.termsOf(policy.current(), space?.total)
    return {
      size: kept.reduce((sum, { bytes }) => sum + bytes, 0),
      contents: kept.length,
      limit: Number.isFinite(budget) ? budget : undefined,
      free: space?.free,
      disk: space?.total
    }
  })
  const cache = yield* Effect.cachedWithTTL(look, cacheFor)
  const { perf } = yield* Figures.make()
  const families = Effect.gen(function* () {
    const now = jobs()
    return DeviceMetrics.families({
      totals: activity.totals(),
      waste: activity.waste(),
      connected: activity.connected(),
      downloads: activity.downloads(),
      jobs: now === undefined ? undefined : yield* jobsOf(now),
      perf: Option.getOrUndefined(yield* Effect.option(perf)),
      banned: (yield* bans.list).length,
      cache: yield* cache
    })
  })
  const served = yield* Layer.build(
    Layer.mergeAll(MetricsServer.layer(place, { families }), EventLoop.EventLoop.layer, ProcessMetrics.layer(version))
  )
  return yield* Effect.provideService(
    MetricsServer.place,
    HttpServer.HttpServer,
    Context.get(served, HttpServer.HttpServer)
  )
})

/** One that ended in between is none. */
const jobsOf = Effect.fnUntraced(function* (jobs: Jobs["Service"]) {
  const counts = { created: 0, transferring: 0, transferred: 0, paused: 0 }
  for (const id of yield* jobs.enumerate()) {
    const status = Option.getOrUndefined(yield* Effect.option(jobs.look(id)))?.status
    const word = DeviceMetrics.jobWords.find((one) => one === status?.state.toLowerCase())
    if (word !== undefined) counts[word]++
  }
  return counts
})
