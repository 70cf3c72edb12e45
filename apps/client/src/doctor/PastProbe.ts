/** What the ledgers of downloads tell of the last 15 days. */
import { placesIn } from "@piecework/device/StateFolder"
import type * as Findings from "@piecework/doctor/Findings"
import * as Ledgers from "@piecework/download/Ledgers"
import type { Ledger } from "@piecework/ledger/Ledger"
import { Clock, Duration, Effect } from "effect"

/** Source: spec.md §8.6. */
const span = Duration.toMillis(Duration.days(15))

export const look = Effect.fn("PastProbe.look")(function* (root: string) {
  const now = yield* Clock.currentTimeMillis
  const list = Effect.flatMap(Ledgers.Ledgers, (ledgers) => ledgers.list)
  const all = yield* Effect.provide(list, Ledgers.layer(placesIn(root).ledgers))
  return of(all.filter(({ began }) => began > now - span))
})

/** Of ledgers, the latest first. */
export const of = (ledgers: ReadonlyArray<Ledger>): Findings.Past => {
  const ended = ledgers.filter(({ end }) => end !== undefined && end.outcome !== "Stopped")
  const failed = ended.filter(({ end }) => end?.outcome === "Failed")
  const told = ledgers.find((ledger) => offered(ledger) > 0)
  return {
    peers:
      told === undefined ? undefined : { known: offered(told), connected: told.figures.peers, why: mostRefused(told) },
    ended: ended.length,
    failed: failed.length,
    why: failed[0]?.end?.sentence
  }
}

/** Most peers that were named at once. */
const offered = ({ entries }: Ledger): number =>
  Math.max(0, ...entries.map((entry) => (entry._tag === "Offered" ? entry.peers : 0)))

/** What most dials failed with. */
const mostRefused = ({ parties }: Ledger): string | undefined => {
  const counts = new Map<string, number>()
  for (const { refused } of parties) {
    for (const [why, n] of Object.entries(refused ?? {})) counts.set(why, (counts.get(why) ?? 0) + n)
  }
  return [...counts].toSorted(([, a], [, b]) => b - a)[0]?.[0]
}
