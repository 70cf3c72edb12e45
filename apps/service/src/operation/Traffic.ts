/**
 * The requests of this process, from their heads to their last bytes: what is under way, what ended how, and what waits too
 * long. Plain code at the server's own events, since every request passes here.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import { Context, Effect, Layer, Metric } from "effect"
import { routeOf, type Route } from "./Route.ts"

/**
 * How a request ended. Unknown: what was asked for is not here. Refused: may not, or not now. Malformed: not of the contract.
 * Failed: the service's own fault. Aborted: the caller went away before its answer.
 */
export type Outcome = "ok" | "unknown" | "refused" | "malformed" | "failed" | "aborted"

/** A request that has ended. */
export interface Ended {
  readonly route: Route
  readonly outcome: Outcome
  readonly status: number
  readonly millis: number
  readonly request: IncomingMessage
}

interface Pending {
  readonly route: Route
  readonly response: ServerResponse
  /** Since when it has been here as a whole, as far as somebody looked; in milliseconds on the process's clock. */
  wholeSince: number | undefined
}

export class Traffic extends Context.Service<
  Traffic,
  {
    /** To be called with each request before anybody answers it. */
    readonly watching: (
      onEnd: ((ended: Ended) => void) | undefined
    ) => (request: IncomingMessage, response: ServerResponse) => void
    readonly inFlight: () => number
    /** By route, requests that are here as a whole for so many milliseconds and have no answer yet. */
    readonly overdue: (millis: number) => ReadonlyMap<Route, number>
    /** From now on each connection ends behind its next answer. */
    readonly endConnections: () => void
  }
>()("@piecework/service/Traffic") {
  static readonly layer: Layer.Layer<Traffic> = Layer.effect(
    Traffic,
    Effect.gen(function* () {
      const context = yield* Effect.context<never>()
      const pending = new Map<IncomingMessage, Pending>()
      let isEnding = false
      const gauge = Metric.registerUnsafe(inFlightGauge, context, {
        get: () => ({ value: pending.size }),
        update: noop,
        modify: noop
      })
      const look = setInterval(() => markWhole(pending), 500)
      look.unref()
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          gauge.remove()
          clearInterval(look)
        })
      )
      return Traffic.of({
        inFlight: () => pending.size,
        overdue: (millis) => {
          const before = performance.now() - millis
          const counts = new Map<Route, number>()
          for (const { response, route, wholeSince } of pending.values()) {
            if (wholeSince !== undefined && wholeSince <= before && !response.headersSent) {
              counts.set(route, (counts.get(route) ?? 0) + 1)
            }
          }
          return counts
        },
        endConnections: () => {
          isEnding = true
          for (const { response } of pending.values()) endBehind(response)
        },
        watching: (onEnd) => (request, response) => {
          const route = routeOf(request.url ?? "")
          const arrivedAt = performance.now()
          pending.set(request, { route, response, wholeSince: undefined })
          if (isEnding) endBehind(response)
          response.once("close", () => {
            pending.delete(request)
            const millis = performance.now() - arrivedAt
            const outcome = response.writableFinished ? outcomeOf(request, route, response.statusCode) : "aborted"
            counterOf(route, outcome).updateUnsafe(1, context)
            timerOf(route).updateUnsafe(millis / 1000, context)
            onEnd?.({ route, outcome, status: response.statusCode, millis, request })
          })
        }
      })
    })
  )
}

const noted = new WeakMap<IncomingMessage, Outcome>()

/** Says how a call ended: an RPC's failures are answered with 200, too. */
export const note = (request: IncomingMessage, outcome: Outcome): void => void noted.set(request, outcome)

/** An answer with 200 of which no role said anything was about a call that no role has. */
const outcomeOf = (request: IncomingMessage, route: Route, status: number): Outcome => {
  if (status >= 500) return "failed"
  if (status === 404) return "unknown"
  if (status === 400 || status === 405 || status === 411 || status === 413 || status === 416) return "malformed"
  if (status >= 400) return "refused"
  return noted.get(request) ?? (isRpc(request) && route !== "other" ? "malformed" : "ok")
}

const isRpc = ({ method, url }: IncomingMessage): boolean => method === "POST" && url?.startsWith("/rpc/") === true

const markWhole = (pending: ReadonlyMap<IncomingMessage, Pending>): void => {
  const now = performance.now()
  for (const [request, one] of pending) if (request.complete) one.wholeSince ??= now
}

const endBehind = (response: ServerResponse): void => {
  if (!response.headersSent) response.setHeader("connection", "close")
}

const noop = () => {}

const inFlightGauge = Metric.gauge("piecework_requests_in_flight", {
  description: "Requests that have come and are not answered to their end."
})

/** Seconds. A join takes under a millisecond, and nobody waits for longer than five seconds. */
const boundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** Makes what is made for a key once. */
const once = <A>(make: (key: string) => A): ((key: string) => A) => {
  const made = new Map<string, A>()
  return (key) => {
    const before = made.get(key)
    if (before !== undefined) return before
    const one = make(key)
    made.set(key, one)
    return one
  }
}

const counters = once((key) => {
  const [role = "", outcome = ""] = key.split(" ")
  return Metric.counter("piecework_requests_total", {
    description: "Requests that have ended, by role and outcome.",
    incremental: true,
    attributes: { role, outcome }
  })
})
const counterOf = (route: Route, outcome: Outcome) => counters(`${route} ${outcome}`)

const timerOf = once((role) =>
  Metric.histogram("piecework_request_seconds", {
    description: "From a request's head to the last byte of its answer, by role.",
    boundaries,
    attributes: { role }
  })
)
