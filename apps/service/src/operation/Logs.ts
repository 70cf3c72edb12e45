/** The log: one line an event on standard error, as text or as JSON. Nothing secret is ever in it. */
import { Layer, Logger, LogLevel, References } from "effect"

export const formats = ["text", "json"] as const
export const levels = ["debug", "info", "warn", "error"] as const

export interface Options {
  readonly format: (typeof formats)[number]
  readonly level: (typeof levels)[number]
}

export const layer = ({ format, level }: Options): Layer.Layer<never> =>
  Layer.mergeAll(
    Logger.layer([ours(Logger.withConsoleError(format === "json" ? Logger.formatJson : Logger.formatLogFmt))]),
    Layer.succeed(References.MinimumLogLevel, effectLevels[level])
  )

const effectLevels = { debug: "Debug", info: "Info", warn: "Warn", error: "Error" } as const

/** Without what the cluster's inside says of itself when all is well. */
const ours = (logger: Logger.Logger<unknown, void>): Logger.Logger<unknown, void> =>
  Logger.make((options) => {
    const { module } = options.fiber.getRef(References.CurrentLogAnnotations)
    const isInside = typeof module === "string" && module.startsWith("effect/")
    if (!isInside || LogLevel.isGreaterThanOrEqualTo(options.logLevel, "Warn")) logger.log(options)
  })
