/** Has what is too old forgotten from time to time, for as long as it runs: a part of the service, not of those who only look. */
import { Effect, Layer, Schedule } from "effect"
import { Reports } from "./Reports.ts"
import { ReportsConfig } from "./ReportsConfig.ts"

export const layer: Layer.Layer<never, never, Reports | ReportsConfig> = Layer.effectDiscard(
  Effect.gen(function* () {
    const { sweep } = yield* Reports
    const { sweepEvery } = yield* ReportsConfig
    yield* sweep.pipe(
      Effect.catch((error) => Effect.logWarning(error)),
      Effect.repeat(Schedule.spaced(sweepEvery)),
      Effect.forkScoped
    )
  })
)
