/**
 * What a line has been seen to carry: the best that three seconds in a row brought. A device cannot ask its line how fast it
 * is, and a test would cost what we are here to save, so it remembers. A memory gets old: what was not seen again counts half
 * after a week, since a laptop changes places. It does not age while it is confirmed, nor by the limits that follow from it:
 * four fifths of what is remembered, or of what we let ourselves have, say that the line is still as good. Pure.
 */

export interface Capacity {
  /** Bytes a second. */
  readonly rate: number
  /** Epoch milliseconds when the line was seen to carry it last. */
  readonly at: number
}

/** Samples follow each other about so fast, in ms; so many of them are a sight. Shorter, a burst from a cache would count. */
export const sampleMillis = 1000
const samples = 3

/** Milliseconds after which a memory counts half. */
const halfLife = 7 * 24 * 60 * 60 * 1000
/** A sight of so much of what is remembered confirms it. */
const confirming = 0.8
/** Longer than a sample should take, by so much, and it says nothing: the machine slept. */
const tooLate = 3

/** What is remembered, as it counts now, in bytes a second. */
export const valueOf = (self: Capacity | undefined, now: number): number | undefined =>
  self === undefined ? undefined : self.rate * 0.5 ** (Math.max(0, now - self.at) / halfLife)

/**
 * The memory after a sight of so many bytes a second, while we held ourselves to `limit`, if we did: a first sight of our own
 * limit is none of the line.
 */
export const seen = (
  self: Capacity | undefined,
  rate: number,
  limit: number | undefined,
  now: number
): Capacity | undefined => {
  const before = valueOf(self, now)
  if (rate <= 0) return self
  if (before === undefined && limit !== undefined && rate >= limit * confirming) return self
  if (before === undefined || rate >= before) return { rate, at: now }
  const due = Math.min(before, limit ?? Infinity)
  return rate >= due * confirming ? { rate: before, at: now } : self
}

/** Samples of a counter, one after the other. */
export interface Sight {
  /** Bytes in all and times, oldest first; one more than the spans between them. */
  readonly marks: ReadonlyArray<{ readonly bytes: number; readonly at: number }>
}

export const nothingSeen: Sight = { marks: [] }

/** Adds a sample of the counter at a time of a clock that only goes forward; `rate` once there are enough in a row. */
export const look = (
  self: Sight,
  bytes: number,
  at: number
): { readonly sight: Sight; readonly rate: number | undefined } => {
  const last = self.marks.at(-1)
  const goesOn = last !== undefined && bytes > last.bytes && at - last.at < tooLate * sampleMillis
  const marks = [...(goesOn ? self.marks.slice(-samples) : []), { bytes, at }]
  const first = marks[0]
  if (marks.length <= samples || first === undefined || at <= first.at) return { sight: { marks }, rate: undefined }
  return { sight: { marks }, rate: ((bytes - first.bytes) * 1000) / (at - first.at) }
}
