/** Answers which download is meant, out of those that go on in this process and those that are kept. */
import type { Meant, Told } from "@piecework/client/Explain"
import type { Ledgers } from "@piecework/download/Ledgers"
import * as Find from "@piecework/ledger/Find"
import { encode } from "@piecework/ledger/Thinning"
import { Effect } from "effect"

export const answer = Effect.fn("Explaining.answer")(function* (ledgers: Ledgers, meant: Meant) {
  const running = ledgers.running().map((recorder) => recorder.snapshot())
  const live = Find.latest(running.filter((ledger) => Find.isMeant(ledger, meant)))
  if (live !== undefined) return told(encode(live), true)
  const kept = Find.latest((yield* ledgers.list).filter((ledger) => Find.isMeant(ledger, meant)))
  return kept === undefined ? null : told(encode(kept), false)
})

const told = (ledger: string, isRunning: boolean): Told => ({ ledger, isRunning })
