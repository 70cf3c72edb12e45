/**
 * Looks at a session's clocks, once every `watchEvery`: silence, messages that stand still, bans. All sessions of a host look at
 * the same moments: twenty that each wake the process in turn cost more than twenty that do so together.
 */
import type { Bitfield } from "@piecework/domain/Bitfield"
import { Clock, Duration, Effect } from "effect"
import type { PeerConfig } from "../PeerConfig.ts"

export interface Watched {
  readonly config: PeerConfig["Service"]
  /** Epoch milliseconds of a moment at which all look. */
  readonly looksFrom: number
  /** Bytes, live. */
  readonly counters: { readonly received: number; readonly sent: number }
  /** Whether a frame has begun to come and is not complete. */
  readonly inFrame: () => boolean
  /** Whether a write waits for the peer. */
  readonly writing: () => boolean
  /** Whether a block is coming that nobody waits for, into a buffer that others could use. */
  readonly abandoned: () => boolean
  readonly isBanned: Effect.Effect<boolean>
  /** What the cache holds. */
  readonly held: () => Bitfield
  /** It holds other pieces than at the last look. */
  readonly heldChanged: (held: Bitfield) => void
  readonly keepAlive: () => void
  /** Called at every look, last. */
  readonly looked: () => void
}

/** Ends when the session has to. */
export const watch = Effect.fnUntraced(function* (session: Watched) {
  const { config, counters } = session
  const watchEvery = Duration.toMillis(config.watchEvery)
  const keepAliveEvery = Duration.toMillis(config.keepAliveEvery)
  const idleTimeout = Duration.toMillis(config.idleTimeout)
  const stallTimeout = Duration.toMillis(config.stallTimeout)
  const abandonTimeout = Duration.toMillis(config.abandonTimeout)
  let { received, sent } = counters
  let receivedAt = yield* Clock.currentTimeMillis
  let sentAt = receivedAt
  /** When the last write was known to get on. */
  let writingAt = receivedAt
  let abandonedAt: number | undefined
  let held: Bitfield | undefined

  while (true) {
    yield* Effect.sleep(untilLook(yield* Clock.currentTimeMillis, session.looksFrom, watchEvery))
    const now = yield* Clock.currentTimeMillis
    if (counters.received !== received) receivedAt = now
    if (counters.sent !== sent) sentAt = now
    if (counters.sent !== sent || !session.writing()) writingAt = now
    received = counters.received
    sent = counters.sent
    abandonedAt = session.abandoned() ? (abandonedAt ?? now) : undefined

    if (yield* session.isBanned) return "Banned" as const
    const silence = now - receivedAt
    if (silence >= idleTimeout) return "TimedOut" as const
    if (session.inFrame() && silence >= stallTimeout) return "TimedOut" as const
    if (now - writingAt >= stallTimeout) return "TimedOut" as const
    if (abandonedAt !== undefined && (silence >= abandonTimeout || now - abandonedAt >= stallTimeout)) {
      return "TimedOut" as const
    }
    if (!session.writing() && now - sentAt >= keepAliveEvery) session.keepAlive()

    if (session.held() !== held) {
      held = session.held()
      session.heldChanged(held)
    }
    session.looked()
  }
})

/** Milliseconds until the next multiple of `every` after `from`; more than none, whichever way the clock was set. */
const untilLook = (now: number, from: number, every: number): number =>
  every - ((((now - from) % every) + every) % every)
