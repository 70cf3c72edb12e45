/** Notes for the metrics how calls end, around whatever says who calls: an RPC's failure is answered with 200, too. */
import { IncomingMessage } from "node:http"
import { CallerMiddleware } from "@piecework/cloud/Caller"
import { Cause, Effect, type Exit, Layer, Option, Predicate } from "effect"
import { HttpServerRequest } from "effect/http"
import { note, type Outcome } from "../operation/Traffic.ts"

export const layer: Layer.Layer<CallerMiddleware, never, CallerMiddleware> = Layer.effect(
  CallerMiddleware,
  Effect.map(
    CallerMiddleware,
    (inner) => (effect, options) =>
      Effect.flatMap(Effect.serviceOption(HttpServerRequest.HttpServerRequest), (request) => {
        const source = Option.getOrUndefined(request)?.source
        const call = inner(effect, options)
        return source instanceof IncomingMessage
          ? Effect.onExit(call, (exit) => Effect.sync(() => note(source, outcomeOf(exit))))
          : call
      })
  )
)

const outcomeOf = (exit: Exit.Exit<unknown, unknown>): Outcome => {
  if (exit._tag === "Success") return "ok"
  const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
  if (error === undefined) return Cause.hasInterruptsOnly(exit.cause) ? "aborted" : "failed"
  return Predicate.hasProperty(error, "_tag") && String(error._tag).endsWith("Unknown") ? "unknown" : "refused"
}
