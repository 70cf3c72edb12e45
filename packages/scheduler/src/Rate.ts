/**
 * How fast a source is. Two kinds of samples go into one average, each with the weight of the time it spans: what a
 * source delivered between the asking for a run and the coming of a piece of it (so a deep queue is measured as a whole,
 * as TCP BBR's delivery rate does), and what came in between two Ticks (which also sees a source that delivers nothing).
 */
import type { Settings } from "./Settings.ts"
import type { Flight, Source } from "./Source.ts"

/** One sample counts at least so much, so that a source on a LAN, where pieces take no time, shows its rate soon. */
const leastWeight = 0.1

/** The usual time is an average over about so many pieces. */
const averaged = 8

/** Ticks nearer than this are too near to measure between, in milliseconds. */
const shortestTick = 200

/** The source after a piece of the flight came. */
export const received = (self: Source, flight: Flight, bytes: number, now: number, settings: Settings): Source => {
  const delivered = self.delivered + (bytes > 0 && Number.isFinite(bytes) ? bytes : 0)
  const elapsed = Math.max(1, now - flight.since)
  return {
    ...self,
    delivered,
    progressAt: now,
    usualTime: self.usualTime === undefined ? elapsed : self.usualTime + (elapsed - self.usualTime) / averaged,
    rate: blend(self.rate, (delivered - flight.mark) / elapsed, elapsed, settings)
  }
}

/** The source at a Tick, by which `bytes` had come from it in all. */
export const ticked = (self: Source, bytes: number, now: number, settings: Settings): Source => {
  if (!Number.isFinite(bytes)) return self
  const elapsed = now - self.tickAt
  const came = bytes - self.tickBytes
  const progressAt = came > 0 ? now : self.progressAt
  if (elapsed < shortestTick && came >= 0) return progressAt === self.progressAt ? self : { ...self, progressAt }
  const oldest = self.flights[0]
  // Only a source that had work all the time shows its rate by what came.
  const busy = oldest !== undefined && oldest.since <= self.tickAt && came >= 0
  return {
    ...self,
    tickAt: now,
    tickBytes: bytes,
    progressAt,
    rate: busy ? blend(self.rate, came / elapsed, elapsed, settings) : self.rate
  }
}

const blend = (rate: number | undefined, sample: number, elapsed: number, settings: Settings): number => {
  if (rate === undefined) return sample
  const weight = Math.min(1, Math.max(leastWeight, elapsed / settings.rateWindow))
  return rate + (sample - rate) * weight
}
