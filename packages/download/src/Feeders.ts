/**
 * Which peers a download got its bytes from: sessions count by themselves, and this only adds up what those of one peer did, also those that
 * ended. For what the service is told; see `JoinRequest.fedBy`.
 */
import { type Fed, maxFed } from "@piecework/cloud/ArrayRpcs"
import type { PeerId } from "@piecework/domain/Peer"

/** Bytes of content by peer, since the download began. */
export type Received = ReadonlyMap<PeerId, number>

/** Most peers whose ended sessions are remembered; the bytes of others that come and go are told under nobody's name. */
const remembered = 4096

export interface Feeding {
  readonly joined: (session: Session) => void
  readonly left: (session: Session) => void
  readonly received: () => Received
}

export interface Session {
  readonly peer: PeerId
  /** Bytes so far. */
  readonly received: () => number
}

export const make = (): Feeding => {
  const there = new Set<Session>()
  const ended = new Map<PeerId, number>()
  return {
    joined: (session) => void there.add(session),
    left: (session) => {
      if (!there.delete(session)) return
      const bytes = session.received()
      const before = ended.get(session.peer)
      if (bytes > 0 && (before !== undefined || ended.size < remembered)) ended.set(session.peer, (before ?? 0) + bytes)
    },
    received: () => {
      const sums = new Map(ended)
      for (const { peer, received } of there) sums.set(peer, (sums.get(peer) ?? 0) + received())
      return sums
    }
  }
}

/** What came since `before`: those that gave most, as many as a join names. */
export const since = (before: Received, now: Received): ReadonlyArray<Fed> =>
  [...now]
    .map(([peerId, bytes]) => ({ peerId, bytes: bytes - (before.get(peerId) ?? 0) }))
    .filter(({ bytes }) => bytes > 0)
    .toSorted((a, b) => b.bytes - a.bytes || (a.peerId < b.peerId ? -1 : 1))
    .slice(0, maxFed)
