/** What the ledgers of downloads and the log tell of the last 15 days. */
import { placesIn } from "@piecework/device/StateFolder"
import type * as Findings from "@piecework/doctor/Findings"
import * as Ledgers from "@piecework/download/Ledgers"
import type { Ledger } from "@piecework/ledger/Ledger"
import * as JobError from "@piecework/jobs/JobError"
import * as LogFolder from "@piecework/logs/LogFolder"
import * as LogReader from "@piecework/logs/LogReader"
import type * as LogEntry from "@piecework/logs/LogEntry"
import { Clock, Duration, Effect } from "effect"

/** Source: spec.md §8.6. */
const span = Duration.toMillis(Duration.days(15))

export const look = Effect.fn("PastProbe.look")(function* (root: string) {
  const now = yield* Clock.currentTimeMillis
  const list = Effect.flatMap(Ledgers.Ledgers, (ledgers) => ledgers.list)
  const [all, errors] = yield* Effect.all(
    [Effect.provide(list, Ledgers.layer(placesIn(root).ledgers)), errorsIn(root, now - span)],
    { concurrency: 2 }
  )
  const found: Findings.Past = { ...of(all.filter(({ began }) => began > now - span)), errors }
  return found
})

/** Most kinds of errors that are counted. */
const mostKinds = 200

/** What the log has of errors, by their codes where they have one; those of a kind that passes by itself are left out. */
const errorsIn = Effect.fnUntraced(function* (root: string, since: number) {
  const counts = new Map<string, { readonly what: string; times: number }>()
  const count = ({ ErrorCode, Message }: LogEntry.LogEntry) =>
    Effect.sync(() => {
      const number = /^0x[0-9a-f]{8}$/i.test(ErrorCode) ? Number(ErrorCode) : undefined
      if (number !== undefined && JobError.isTransient(number)) return
      const kind = ErrorCode === "" ? Message : ErrorCode
      const known = counts.get(kind)
      if (known !== undefined) known.times++
      else if (counts.size < mostKinds) counts.set(kind, { what: meaningOf(ErrorCode, number, Message), times: 1 })
    })
  const folder = LogFolder.folderIn(root)
  return yield* LogReader.forEach({ folder, wanted: { level: 2, since }, disorder: 0 }, count).pipe(
    Effect.as([...counts.values()].toSorted((a, b) => b.times - a.times)),
    Effect.orElseSucceed(() => undefined)
  )
})

const meaningOf = (errorCode: string, number: number | undefined, message: string): string => {
  const said = message.slice(0, 200)
  if (number !== undefined) return `${JobError.hex(number)}, ${JobError.describe(number)}`
  return errorCode === "" ? said : `${errorCode}: ${said}`
}

/** Of ledgers, the latest first. */
export const of = (ledgers: ReadonlyArray<Ledger>): Omit<Findings.Past, "errors"> => {
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
