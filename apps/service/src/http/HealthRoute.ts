/**
 * `GET /health`: 200 as long as the process answers. `GET /ready`: 200 while every role of the process does its work, else
 * 503 with the roles that do not. Why is told in the log, not to whoever asks.
 */
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { Readiness } from "../operation/Readiness.ts"
import { version } from "../version.ts"

const health = HttpRouter.add(
  "GET",
  "/health",
  Effect.sync(() => HttpServerResponse.jsonUnsafe({ status: "ok", version }))
)

const ready = Layer.unwrap(
  Effect.map(Readiness, ({ state }) =>
    HttpRouter.add(
      "GET",
      "/ready",
      Effect.map(state, ({ isDraining, isReady, troubles }) => {
        const roles = Object.fromEntries(
          [...troubles].map(([role, trouble]) => [role, trouble === undefined ? "ok" : "failing"])
        )
        const status = isReady ? "ok" : isDraining ? "stopping" : "failing"
        return HttpServerResponse.jsonUnsafe(
          { status, version, roles },
          { status: isReady ? 200 : 503, headers: { "cache-control": "no-store" } }
        )
      })
    )
  )
)

export const layer = Layer.merge(health, ready)
