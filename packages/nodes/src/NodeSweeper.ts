/** Has old figures forgotten from time to time, for as long as it runs: a part of the service, not of those who only look. */
import { Effect, Layer, Schedule } from "effect"
import { NodeFigures } from "./NodeFigures.ts"
import { NodesConfig } from "./NodesConfig.ts"

export const layer: Layer.Layer<never, never, NodeFigures | NodesConfig> = Layer.effectDiscard(
  Effect.gen(function* () {
    const { sweep } = yield* NodeFigures
    const { sweepEvery } = yield* NodesConfig
    yield* sweep.pipe(
      Effect.catch((error) => Effect.logWarning(error)),
      Effect.repeat(Schedule.spaced(sweepEvery)),
      Effect.forkScoped
    )
  })
)
