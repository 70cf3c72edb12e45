/** A line for each request that has ended, at debug: which role, how it ended, how long it took, where it came from. */
import { Effect, References } from "effect"
import { addressOf } from "../http/HttpCaller.ts"
import * as Proxies from "../http/Proxies.ts"
import type { Ended } from "./Traffic.ts"

/** What to do with a request that has ended; nothing unless the log has such lines. */
export const logged = (proxies: ReadonlyArray<string>): Effect.Effect<((ended: Ended) => void) | undefined> =>
  Effect.gen(function* () {
    const level = yield* References.MinimumLogLevel
    if (level !== "Debug" && level !== "All" && level !== "Trace") return undefined
    const run = Effect.runForkWith(yield* Effect.context<never>())
    const trusted = Proxies.make(proxies)
    return ({ millis, outcome, request, route, status }) => {
      const address = addressOf(request.socket.remoteAddress, request.headers["x-forwarded-for"], trusted)
      const line = { role: route, outcome, status, ms: Math.round(millis * 1000) / 1000, address }
      run(Effect.annotateLogs(Effect.logDebug("request"), line))
    }
  })
