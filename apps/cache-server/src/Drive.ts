/** A folder that a cache server may fill, as people write it. Pure. */
import { resolve } from "node:path"
import { Option } from "effect"

export interface Drive {
  /** A full path. */
  readonly folder: string
  /** Bytes that may be kept there; `undefined`: as many as the disk takes. */
  readonly size: number | undefined
}

/** Smallest that is of use, in bytes: one piece and its records would fit into less, a file that clients want would not. */
export const leastSize = 16_777_216

const units: ReadonlyMap<string, number> = new Map(
  ["b", "kb", "mb", "gb", "tb"].flatMap((unit, i) => [
    [unit, 1000 ** i],
    [unit.replace(/^(.)b$/, "$1ib"), 1024 ** i]
  ])
)

/** "500GB" or "1.5TiB" as bytes. */
export const bytesIn = (text: string): Option.Option<number> => {
  const [, figure, unit = ""] = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/i.exec(text.trim()) ?? []
  const times = units.get(unit.toLowerCase())
  const bytes = Math.floor(Number(figure) * (times ?? Number.NaN))
  return Number.isSafeInteger(bytes) ? Option.some(bytes) : Option.none()
}

/** Of "/srv/cache" or "/srv/cache:500GB". A path with a colon in it is written with a size behind it. */
export const parse = (text: string): Option.Option<Drive> => {
  const [, before, size] = /^(.+):([^:/]+)$/.exec(text) ?? []
  if (before === undefined || size === undefined) {
    return text === "" ? Option.none() : Option.some({ folder: resolve(text), size: undefined })
  }
  return Option.map(
    Option.filter(bytesIn(size), (bytes) => bytes >= leastSize),
    (bytes) => ({ folder: resolve(before), size: bytes })
  )
}
