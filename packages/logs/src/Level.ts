/**
 * How much an entry matters, in the numbers and words of Windows' event log, where administrators know them from.
 * Source: spec.md §8.1 Get-DeliveryOptimizationLog (Level, LevelName); winmeta.xml for the numbers.
 */
import type { LogLevel } from "effect"

/** 1 is what matters most. */
export type Level = 1 | 2 | 3 | 4 | 5

export const levelNames = {
  1: "Critical",
  2: "Error",
  3: "Warning",
  4: "Info",
  5: "Verbose"
} as const satisfies Record<Level, string>
export type LevelName = (typeof levelNames)[Level]

/** How levels are written on the command line, each with what matters more. */
export const words = ["critical", "error", "warning", "info", "verbose"] as const
export type Word = (typeof words)[number]

export const ofWord = (word: Word): Level => (words.indexOf(word) + 1) as Level

/** `Trace` and finer are told of no more finely than `Debug`: that is all verbose. */
export const ofEffect = (level: LogLevel.LogLevel): Level => {
  switch (level) {
    case "Fatal":
      return 1
    case "Error":
      return 2
    case "Warn":
      return 3
    case "Info":
      return 4
    default:
      return 5
  }
}

/** The level up to which entries are wanted by who asked for `minimum`; 0 where none are. */
export const upTo = (minimum: LogLevel.LogLevel): Level | 0 => (minimum === "None" ? 0 : ofEffect(minimum))

export const isLevel = (value: unknown): value is Level =>
  typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 5
