/** `GET /health`: 200 as long as the process answers. */
import { Effect } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { version } from "../version.ts"

export const layer = HttpRouter.add(
  "GET",
  "/health",
  Effect.sync(() => HttpServerResponse.jsonUnsafe({ status: "ok", version }))
)
