/** How much a log keeps. */
import { ByteSize, Config, Context, Duration, Effect, Layer } from "effect"

export class LogConfig extends Context.Service<
  LogConfig,
  {
    /** A file that is this long is followed by another one. `PIECEWORK_LOG_FILE_SIZE`, default "4 MiB". */
    readonly fileSize: ByteSize.ByteSize
    /** Most files, that of today included; the oldest goes. `PIECEWORK_LOG_FILES`, default 8. */
    readonly files: number
    /** A file that is this old is followed by another one. `PIECEWORK_LOG_FILE_AGE`, default "1 day". */
    readonly fileAge: Duration.Duration
    /** What nobody has written to for this long goes. `PIECEWORK_LOG_KEEP`, default "28 days". */
    readonly keep: Duration.Duration
    /** How long an entry may wait in memory for others to be written with; errors do not wait. Default half a second. */
    readonly flushAfter: Duration.Duration
    /** How often it is looked whether somebody wants verbose entries. Default a second. */
    readonly lookEvery: Duration.Duration
  }
>()("@piecework/logs/LogConfig") {}

export type LogOptions = LogConfig["Service"]

export const defaults: LogOptions = {
  fileSize: ByteSize.mebibytes(4),
  files: 8,
  fileAge: Duration.days(1),
  keep: Duration.days(28),
  flushAfter: Duration.millis(500),
  lookEvery: Duration.seconds(1)
}

export const layer = (options?: Partial<LogOptions>): Layer.Layer<LogConfig> =>
  Layer.succeed(LogConfig, { ...defaults, ...options })

const within = <A>(config: Config.Config<A>, isOk: (value: A) => boolean, otherwise: A): Config.Config<A> =>
  config.pipe(
    Config.withDefault(otherwise),
    Config.map((value) => (isOk(value) ? value : otherwise))
  )

/** From the environment; what is out of range counts as not said. */
export const config: Config.Config<LogOptions> = Config.all({
  fileSize: within(
    Config.ByteSize("PIECEWORK_LOG_FILE_SIZE"),
    (size) => ByteSize.toNumberUnsafe(size) >= 65_536 && ByteSize.toNumberUnsafe(size) <= 2 ** 30,
    defaults.fileSize
  ),
  files: within(Config.Int("PIECEWORK_LOG_FILES"), (n) => n >= 1 && n <= 1_000, defaults.files),
  fileAge: within(
    Config.Duration("PIECEWORK_LOG_FILE_AGE"),
    (age) => Duration.toMillis(age) >= 60_000,
    defaults.fileAge
  ),
  keep: within(Config.Duration("PIECEWORK_LOG_KEEP"), (age) => Duration.toMillis(age) >= 60_000, defaults.keep)
}).pipe(Config.map((given) => ({ ...defaults, ...given })))

export const layerConfig: Layer.Layer<LogConfig, Config.ConfigError> = Layer.effect(
  LogConfig,
  Effect.gen(function* () {
    return yield* config
  })
)
