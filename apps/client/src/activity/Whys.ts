/** Why each job goes as it does, in the one line that a person needs: what `piecework explain` says first. */
import type { JobView } from "@piecework/client/JobView"
import { Ledgers } from "@piecework/download/Ledgers"
import * as Answer from "@piecework/ledger/Answer"
import * as Find from "@piecework/ledger/Find"
import type { Ledger } from "@piecework/ledger/Ledger"
import { Effect } from "effect"
import * as Moment from "../view/Moment.ts"

/** Lines by the id of the job; one of which nothing was noted has none. */
export type Whys = (jobs: ReadonlyArray<JobView>) => Effect.Effect<Readonly<Record<string, string>>>

const longest = 1024

const lineOf = (ledger: Ledger, isRunning: boolean): string =>
  Answer.of(ledger, { isRunning, time: Moment.minute }).slice(0, longest)

export const make: Effect.Effect<Whys> = Effect.map(Ledgers, (ledgers): Whys => {
  // Of jobs that rest: what is on the disk is read once for each time that a job stops.
  const known = new Map<string, string | undefined>()
  return Effect.fnUntraced(function* (jobs) {
    const running = ledgers.running().map((recorder) => recorder.snapshot())
    const lines: Record<string, string> = {}
    let kept: ReadonlyArray<Ledger> | undefined
    for (const { id } of jobs) {
      const live = running.find(({ job }) => job === id)
      if (live !== undefined) {
        known.delete(id)
        lines[id] = lineOf(live, true)
        continue
      }
      if (!known.has(id)) {
        kept ??= yield* ledgers.list
        const ledger = Find.latest(kept.filter(({ job }) => job === id))
        known.set(id, ledger === undefined ? undefined : lineOf(ledger, false))
      }
      const line = known.get(id)
      if (line !== undefined) lines[id] = line
    }
    const all = new Set<string>(jobs.map(({ id }) => id))
    for (const id of known.keys()) if (!all.has(id)) known.delete(id)
    return lines
  })
})
