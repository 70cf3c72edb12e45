/**
 * Which source brought each piece, and why it was asked: one 16-bit word a piece, written when the piece is asked for and once more when it is
 * held. Pieces are counted by source and reason only when somebody looks.
 */
import type { FetchReason } from "@piecework/scheduler/Command"
import type { Pieces } from "./Ledger.ts"

/** The order is that of the marks. "Before": another source was asked for it since; "Found": it was there by another way. */
export const reasons = [
  "Before",
  "OnlySource",
  "Reading",
  "ReaderWaits",
  "Rarest",
  "CacheServer",
  "Leased",
  "OwnShare",
  "OthersShare",
  "BelowFloor",
  "HoldersSilent",
  "Steal",
  "Endgame",
  "WholeFile",
  "Found"
] as const satisfies ReadonlyArray<FetchReason | "Before" | "Found">
export type Reason = (typeof reasons)[number]

/** Most sources that are told apart. */
export const mostSources = 512

/** Most runs of adjacent pieces that are kept; beyond, a mark stands for several pieces. */
export const mostRuns = 1500

const held = 0x8000
const numbers = new Map<string, number>(reasons.map((reason, n) => [reason, n]))

/** Bit 15: held; bits 14 to 5: one more than the index of the source; bits 4 to 0: the reason. */
const markOf = (source: number, reason: number): number => ((source + 1) << 5) | reason

export class Marks {
  readonly count: number
  private readonly size: number
  private readonly words: Uint16Array

  constructor(count: number, size: number) {
    this.count = count
    this.size = size
    this.words = new Uint16Array(count)
  }

  /** The pieces from `first` on were asked of the source, whose index is below `mostSources`. */
  asked(source: number, first: number, count: number, reason: FetchReason): void {
    const mark = markOf(source, numbers.get(reason) ?? 0)
    for (let piece = first; piece < first + count; piece++) {
      if (((this.words[piece] ?? held) & held) === 0) this.words[piece] = mark
    }
  }

  /** The piece is held, and was not before. */
  held(source: number, piece: number): void {
    const word = this.words[piece] ?? 0
    this.words[piece] = word >> 5 === source + 1 ? word | held : markOf(source, 0) | held
  }

  /** The piece was held from the start, or found later: no source of this download brought it. */
  found(source: number, piece: number): void {
    this.words[piece] = markOf(source, reasons.length - 1) | held
  }

  snapshot(): Pieces {
    const counts = new Uint32Array(held)
    // By index: there may be millions, and an iterator costs ten times as much.
    for (let piece = 0; piece < this.count; piece++) {
      const word = this.words[piece] ?? 0
      if ((word & held) !== 0) counts[word & ~held] = (counts[word & ~held] ?? 0) + 1
    }
    let grain = 1
    let runs = this.runs(grain)
    if (runs.length > mostRuns) {
      grain = Math.ceil(this.count / mostRuns)
      runs = this.runs(grain)
    }
    return {
      count: this.count,
      size: this.size,
      grain,
      reasons,
      runs,
      sums: sumsOf(counts)
    }
  }

  /** Of each grain the mark that most of its pieces have; at most one more than the bound is made. */
  private runs(grain: number): Pieces["runs"] {
    const runs: Array<[number, number, number]> = []
    for (let first = 0; first < this.count && runs.length <= mostRuns; first += grain) {
      const word = grain === 1 ? (this.words[first] ?? 0) : this.usual(first, grain)
      const isHeld = (word & held) !== 0
      const source = isHeld ? sourceOf(word) : -1
      const reason = isHeld ? word & 0x1f : 0
      const last = runs.at(-1)
      if (last !== undefined && last[0] === source && last[1] === reason) last[2]++
      else runs.push([source, reason, 1])
    }
    return runs
  }

  private usual(first: number, grain: number): number {
    const seen = new Map<number, number>()
    let best = 0
    let most = 0
    // A few of them tell as much as all.
    const step = Math.ceil(grain / mostLooked)
    for (let piece = first; piece < Math.min(first + grain, this.count); piece += step) {
      const word = this.words[piece] ?? 0
      const n = (seen.get(word) ?? 0) + 1
      seen.set(word, n)
      if (n > most) [best, most] = [word, n]
    }
    return best
  }
}

const mostSums = 512
const mostLooked = 64

/** How many pieces there are by mark, the most first. */
const sumsOf = (counts: Uint32Array): Pieces["sums"] => {
  const sums: Array<Pieces["sums"][number]> = []
  for (let mark = 0; mark < counts.length; mark++) {
    const pieces = counts[mark] ?? 0
    if (pieces > 0) sums.push({ source: sourceOf(mark), reason: reasonOf(mark), pieces })
  }
  return sums.toSorted((a, b) => b.pieces - a.pieces).slice(0, mostSums)
}

const sourceOf = (word: number): number => ((word & ~held) >> 5) - 1
const reasonOf = (word: number): Reason => reasons[word & 0x1f] ?? "Before"
