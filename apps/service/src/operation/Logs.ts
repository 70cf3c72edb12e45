/** The log: one line an event on standard error, as logfmt or as JSON, and in files where a folder is named. Nothing secret is ever in it. */
import * as Logs from "@piecework/logs/Logs"
import { type Layer, LogLevel, type Logger, References } from "effect"

export const { formats } = Logs
export const levels = ["debug", "info", "warn", "error"] as const

export interface Options {
  readonly format: Logs.Format
  readonly level: (typeof levels)[number]
  /** Where the files lie; there are none without. */
  readonly folder: string | undefined
}

export const layer = ({ folder, format, level }: Options): Layer.Layer<never> =>
  Logs.layer({
    program: "service",
    folder,
    format: format === "json" ? "json" : "logfmt",
    minimum: effectLevels[level],
    // What requests cost depends on it.
    isSwitched: false,
    hides: isInside
  })

const effectLevels = { debug: "Debug", info: "Info", warn: "Warn", error: "Error" } as const

/** What the cluster's inside says of itself when all is well. */
const isInside = ({ fiber, logLevel }: Logger.Options<unknown>): boolean => {
  const { module } = fiber.getRef(References.CurrentLogAnnotations)
  return typeof module === "string" && module.startsWith("effect/") && LogLevel.isLessThan(logLevel, "Warn")
}
