/** A line for each request that has ended, at debug: which role, how it ended, how long it took, where it came from. */
import { Effect, References } from "effect"
import { externalIpOf } from "../http/HttpCaller.ts"
import type { Ended } from "./Traffic.ts"

/** What to do with a request that has ended; nothing unless the log has such lines. */
export const logged = (proxies: ReadonlyArray<string>): Effect.Effect<((ended: Ended) => void) | undefined> =>
  Effect.gen(function* () {
    const level = yield* References.MinimumLogLevel
    if (level !== "Debug" && level !== "All" && level !== "Trace") return undefined
    const run = Effect.runForkWith(yield* Effect.context<never>())
    const addressOf = externalIpOf(proxies)
    return ({ millis, outcome, request, route, status }) => {
      const forwarded = request.headers["x-forwarded-for"]
      const address = addressOf(request.socket.remoteAddress ?? "unknown", forwarded?.toString())
      const line = { role: route, outcome, status, ms: Math.round(millis * 1000) / 1000, address }
      run(Effect.annotateLogs(Effect.logDebug("request"), line))
    }
  })
