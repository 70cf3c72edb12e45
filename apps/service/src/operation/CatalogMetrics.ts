/** How much is published, counted now and then: the catalog may be changed by other processes. */
import { Catalog } from "@piecework/catalog/Catalog"
import { Effect, Layer, Metric, Schedule } from "effect"

/** A catalog that cannot be read is told by readiness; here its last figure stays. */
export const layer: Layer.Layer<never, never, Catalog> = Layer.effectDiscard(
  Effect.flatMap(Catalog, ({ count }) =>
    count.pipe(
      Effect.flatMap((contents) => Metric.update(gauge, contents)),
      Effect.catch((error) => Effect.logWarning(error)),
      Effect.repeat(Schedule.spaced("15 seconds")),
      Effect.forkScoped
    )
  )
)

const gauge = Metric.gauge("piecework_catalog_contents", { description: "Contents that are published." })
