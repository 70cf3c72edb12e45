/** Answers which download is meant, out of those that go on in this process and those that are kept. */
import { type Meant, mostIds, type Told } from "@piecework/client/Explain"
import type { Ledgers } from "@piecework/download/Ledgers"
import * as Find from "@piecework/ledger/Find"
import { encode } from "@piecework/ledger/Thinning"
import { Effect } from "effect"

export const answer = Effect.fn("Explaining.answer")(function* (ledgers: Ledgers, meant: Meant) {
  const running = ledgers.running().map((recorder) => recorder.snapshot())
  const live = Find.match(running, meant)
  // One that is named needs no comparison with those that are kept.
  const found = live?.ids.length === 0 ? live : Find.match([...running, ...(yield* ledgers.list)], meant)
  return found === undefined ? null : told(found, running.includes(found.ledger))
})

const told = ({ ids, ledger }: Find.Match, isRunning: boolean): Told => ({
  ledger: encode(ledger),
  isRunning,
  ids: ids.slice(0, mostIds)
})
