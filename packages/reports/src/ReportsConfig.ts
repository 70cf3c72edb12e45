/** How long reports are kept, and how much is done at a time. */
import { Config, Context, Duration, Effect, Layer } from "effect"

export class ReportsConfig extends Context.Service<
  ReportsConfig,
  {
    /**
     * How long the events themselves are kept, for export; their ids are kept for 30 days at least, or an event that is sent again
     * would count again. `REPORTS_KEEP_EVENTS`, default 35 days.
     */
    readonly keepEvents: Duration.Duration
    /** How long sums by day are kept, and devices and contents that nobody hears of any more; 28 days at least. `REPORTS_KEEP_SUMS`, default 400 days. */
    readonly keepSums: Duration.Duration
    /** Between two looks for what is too old. Default one hour. */
    readonly sweepEvery: Duration.Duration
    /** Most rows that one step of the sweep deletes; between steps others have their turn. Default 1000. */
    readonly sweepStep: number
    /** Most batches that wait to be written before others are refused. Default 1024. */
    readonly mostWaiting: number
    /** Most batches that are written in one transaction. Default 32. */
    readonly mostTogether: number
  }
>()("@piecework/reports/ReportsConfig") {}

export const defaults: ReportsConfig["Service"] = {
  keepEvents: Duration.days(35),
  keepSums: Duration.days(400),
  sweepEvery: Duration.hours(1),
  sweepStep: 1000,
  mostWaiting: 1024,
  mostTogether: 32
}

export const layer = (options?: Partial<ReportsConfig["Service"]>): Layer.Layer<ReportsConfig> =>
  Layer.succeed(ReportsConfig, { ...defaults, ...options })

export const layerConfig: Layer.Layer<ReportsConfig, Config.ConfigError> = Layer.effect(
  ReportsConfig,
  Effect.gen(function* () {
    return {
      ...defaults,
      keepEvents: yield* Config.Duration("REPORTS_KEEP_EVENTS").pipe(Config.withDefault(defaults.keepEvents)),
      keepSums: yield* Config.Duration("REPORTS_KEEP_SUMS").pipe(Config.withDefault(defaults.keepSums))
    }
  })
)
