/**
 * A ledger as JSON that fits: where it would be too long, details go first, the oldest of them before the others, then which source brought
 * each single piece, then the lines of the sources that brought least. What was decided stays.
 */
import { maxBytes } from "./Bounds.ts"
import type { Entry, Ledger, Party } from "./Ledger.ts"

/** What happens again and again; all else is a decision. */
const details: ReadonlySet<Entry["_tag"]> = new Set(["Failure", "Offered", "Asked", "Limit", "Changed"])

/** Decisions of which so many are told; the middle ones go where nothing else is left to go. */
const leastEntries = 64

export const encode = (ledger: Ledger): string => {
  let next = ledger
  for (const thin of [identity, ...steps]) {
    next = thin(next)
    const json = JSON.stringify(next)
    if (Buffer.byteLength(json) <= maxBytes) return json
  }
  return JSON.stringify({ ...next, settings: [], parties: [], entries: next.entries.slice(0, 16) })
}

type Step = (ledger: Ledger) => Ledger

const identity: Step = (ledger) => ledger

/** Without the older half of the details. */
const halfOfDetails: Step = (ledger) => {
  const all = ledger.entries.filter(({ _tag }) => details.has(_tag))
  const gone = new Set(all.slice(0, Math.ceil(all.length / 2)))
  return without(ledger, gone)
}

const noDetails: Step = (ledger) => without(ledger, new Set(ledger.entries.filter(({ _tag }) => details.has(_tag))))

const without = (ledger: Ledger, gone: ReadonlySet<Entry>): Ledger => ({
  ...ledger,
  dropped: ledger.dropped + gone.size,
  entries: ledger.entries.filter((entry) => !gone.has(entry))
})

/** Without the run of single pieces; the sums stay. */
const noRuns: Step = (ledger) =>
  ledger.pieces === undefined
    ? ledger
    : { ...ledger, pieces: { ...ledger.pieces, grain: ledger.pieces.count, runs: [] } }

const fewerParties =
  (most: number): Step =>
  (ledger) => {
    if (ledger.parties.length <= most) return ledger
    const ranked = ledger.parties
      .map((party, index) => ({ party, index }))
      .toSorted((a, b) => weight(b.party) - weight(a.party))
    const kept = ranked.slice(0, most).toSorted((a, b) => a.index - b.index)
    const places = new Map(kept.map(({ index }, place) => [index, place]))
    const sums = ledger.pieces?.sums.map((sum) => ({ ...sum, source: places.get(sum.source) ?? most }))
    return {
      ...ledger,
      dropped: ledger.dropped + ledger.parties.length - kept.length,
      parties: kept.map(({ party }) => party),
      ...(ledger.pieces === undefined || sums === undefined
        ? {}
        : { pieces: { ...ledger.pieces, sums, runs: [], grain: ledger.pieces.count } })
    }
  }

/** Who brought something, or brought bad pieces, is worth a line before who was only named. */
const weight = ({ bad = 0, brought = 0, dials = 0, kind }: Party): number =>
  (kind === "Origin" || kind === "CacheServer" || kind === "LocalCache" ? 1e9 : 0) + bad * 1000 + brought * 10 + dials

const fewerEntries: Step = (ledger) => {
  if (ledger.entries.length <= leastEntries) return ledger
  const gone = new Set(ledger.entries.slice(leastEntries / 2, -leastEntries / 2))
  return without(ledger, gone)
}

const steps: ReadonlyArray<Step> = [
  halfOfDetails,
  halfOfDetails,
  halfOfDetails,
  halfOfDetails,
  noRuns,
  fewerParties(64),
  noDetails,
  fewerParties(16),
  fewerEntries
]
