/** What counters of an interface say about a rate. Pure. */
import { framing } from "../site/SiteOptions.ts"

/** The counters of an interface at one moment. */
export interface Sample {
  /** When they had been read: milliseconds of a clock that only goes forward. */
  readonly at: number
  /** When they had not yet been read. */
  readonly since: number
  /** Of all frames, headers included. */
  readonly bytes: number
  readonly frames: number
}

/** Ethernet 14, IPv4 20, TCP 20, time stamps 12: what each frame of a TCP stream has beside its bytes. */
const header = 1514 - 1514 / framing

export interface Rates {
  /** Bytes a second, from the first bytes to the last. */
  readonly mean: number
  /** The most that came in any two seconds, divided by two; `undefined` for a transfer that is shorter. */
  readonly highest: number | undefined
  readonly seconds: number
}

/** The span that no limit may be exceeded over, in ms. */
const span = 2000

/** Before more than this has come there were only a handshake and questions, in bytes. */
const begun = 65_536

/** `undefined` where nothing was transferred. Headers are taken off by the number of frames. */
export const of = (samples: ReadonlyArray<Sample>): Rates | undefined => {
  // Before it entered its namespace the process saw those of another interface.
  const entered = samples.findLastIndex(({ bytes }, i) => bytes < (samples[i - 1]?.bytes ?? 0))
  const payload = samples
    .slice(Math.max(0, entered))
    .map(({ bytes, frames, ...times }) => ({ ...times, bytes: bytes - frames * header }))
  const base = payload[0]?.bytes ?? 0
  const all = (payload.at(-1)?.bytes ?? 0) - base
  const first = payload.findLastIndex(({ bytes }) => bytes - base <= begun)
  const last = payload.findIndex(({ bytes }) => bytes - base >= all - 1024)
  const during = payload.slice(Math.max(0, first), last + 1)
  const [start, end] = [during[0], during.at(-1)]
  if (start === undefined || end === undefined || end.at <= start.at) return undefined
  const seconds = (end.at - start.at) / 1000
  const mean = (end.bytes - start.bytes) / seconds
  if (end.at - start.at < span) return { mean, highest: undefined, seconds }
  let highest = 0
  let to = 0
  for (const from of during) {
    // Whoever reads may be held up in the middle of it: what counts came within the span for certain.
    while ((during[to + 1]?.at ?? Infinity) <= from.since + span) to++
    highest = Math.max(highest, (during[to]?.bytes ?? 0) - from.bytes)
  }
  return { mean, highest: (highest * 1000) / span, seconds }
}

/** Of one interface, from the text of /proc/PID/net/dev; `undefined` when it is not in there. */
export const received = (
  text: string,
  dev: string,
  times: { readonly since: number; readonly at: number }
): Sample | undefined => {
  const line = text.split("\n").find((row) => row.trimStart().startsWith(`${dev}:`))
  const [bytes, frames] = (line?.split(":")[1] ?? "").trim().split(/\s+/).map(Number)
  return bytes === undefined || frames === undefined || Number.isNaN(frames) ? undefined : { ...times, bytes, frames }
}
