/** Rates, spans of time and shares as people write them on the command line. */
import { Option } from "effect"

const units = { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9 } as const

/** "100mbit" as bits a second: from 64 kbit/s, under which nothing ends, to 100 Gbit/s. */
export const rate = (text: string): Option.Option<number> => {
  const match = /^(\d+(?:\.\d+)?)\s*([kmg]?bit)(?:\/s)?$/i.exec(text.trim())
  const unit = match?.[2]?.toLowerCase()
  const bits = unit !== undefined && unit in units ? Number(match?.[1]) * units[unit as keyof typeof units] : 0
  return bits >= 64e3 && bits <= 100e9 ? Option.some(Math.round(bits)) : Option.none()
}

/** "2%" as 0.02, up to `most`. */
export const share =
  (most: number) =>
  (text: string): Option.Option<number> => {
    const match = /^(\d+(?:\.\d+)?)\s*%$/.exec(text.trim())
    const fraction = match === null ? Number.NaN : Number(match[1]) / 100
    return fraction <= most ? Option.some(fraction) : Option.none()
  }

const spans = { ms: 1, s: 1000, m: 60_000 } as const

/** "20ms", "2s" or "1m" as milliseconds, at most `most`. */
export const span =
  (most: number) =>
  (text: string): Option.Option<number> => {
    const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m)$/.exec(text.trim())
    const millis = match === null ? Number.NaN : Number(match[1]) * spans[match[2] as keyof typeof spans]
    return millis <= most ? Option.some(millis) : Option.none()
  }

/** "together", or the time from one start to the next. */
export const start = (text: string): Option.Option<number> =>
  text.trim() === "together" ? Option.some(0) : span(600_000)(text)
