/** `GET /health`: 200 while the service answers and its catalog can be read, else 503. */
import { Catalog } from "@piecework/catalog/Catalog"
import { ContentUrl } from "@piecework/domain/ContentUrl"
import { Effect } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { version } from "../version.ts"

/** A URL that nobody publishes: looking for it reads the catalog's index and nothing else. */
const probe = ContentUrl.make("http://health.invalid/")

export const layer = HttpRouter.add(
  "GET",
  "/health",
  Effect.gen(function* () {
    const catalog = yield* Catalog
    return yield* catalog.byUrl(probe).pipe(
      Effect.map(() => HttpServerResponse.jsonUnsafe({ status: "ok", version })),
      Effect.catch((error) =>
        Effect.as(
          Effect.logError(error.message),
          HttpServerResponse.jsonUnsafe({ status: "failing", version }, { status: 503 })
        )
      )
    )
  })
)
