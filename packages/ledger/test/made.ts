/** A recorder with a clock of its own. */
import { noBytes } from "@piecework/domain/SourceKind"
import type { Figures } from "@piecework/ledger/Ledger"
import * as Recorder from "@piecework/ledger/Recorder"

export const nothing: Figures = {
  useful: noBytes,
  received: noBytes,
  waste: { bad: 0, duplicate: 0, cancelled: 0 },
  sent: 0,
  connections: 0,
  peers: 0
}

export const made = (url = "http://o/f", figures: Figures = nothing) => {
  let now = 1_000_000
  const recorder = Recorder.make({
    subject: {
      began: now,
      pid: 7,
      url: Recorder.bare(url),
      path: "/data/f",
      door: "get",
      priority: "Foreground",
      mode: "Lan"
    },
    now: () => now,
    view: () => ({ phase: "Fetching", heldBytes: 0, figures }),
    settings: () => []
  })
  return { recorder, passes: (millis: number) => void (now += millis) }
}
