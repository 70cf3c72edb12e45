/**
 * What a member receives, and from whom, as its joins say it. A member that only gives has none. Rates are of the time between two joins;
 * joins that follow each other within a second are one for that, so that a rate is no accident.
 */
import type { JoinRequest } from "@piecework/cloud/ArrayRpcs"
import type { PeerId } from "@piecework/domain/Peer"
import * as Amounts from "./Amounts.ts"
import { mostFeeders } from "./LiveView.ts"

export interface Fed {
  readonly peerId: PeerId
  readonly bytes: number
  readonly rate: number
}

export interface Activity {
  /** Bytes that are missing, and in all; 0 when the member did not say. */
  readonly left: number
  readonly size: number
  /** Received since it began. */
  readonly bytes: Amounts.Amounts
  /** Bytes a second. */
  readonly rate: Amounts.Amounts
  /** Those that gave most first. */
  readonly fedBy: ReadonlyArray<Fed>
  /** From when on the next rate counts, on the clock of the swarm, and what was received then. */
  readonly since: number
  readonly atSince: Amounts.Amounts
}

/** Milliseconds. */
const shortest = 1000

/** After a join; nothing for one that has everything and received nothing here. */
export const heard = (before: Activity | undefined, request: JoinRequest, now: number): Activity | undefined => {
  const bytes = Amounts.ofJoin(request)
  const { left } = request
  const size = request.contentSize ?? before?.size ?? 0
  if (before === undefined || Amounts.total(bytes) < Amounts.total(before.bytes)) {
    if (left === 0 && Amounts.total(bytes) === 0) return undefined
    const none = Amounts.none()
    return { left, size, bytes, rate: none, fedBy: fedBy([], request, Infinity), since: now, atSince: bytes }
  }
  const { atSince, since } = before
  const millis = now - since
  // Who has everything receives nothing more.
  const isOver = left === 0
  if (millis < shortest) {
    const rate = isOver ? Amounts.none() : before.rate
    const told = fedBy(before.fedBy, request, isOver ? Infinity : shortest)
    return { left, size, bytes, rate, fedBy: told, since, atSince }
  }
  const rate = isOver ? Amounts.none() : Amounts.ratesOf(atSince, bytes, millis)
  const told = fedBy([], request, isOver ? Infinity : millis)
  return { left, size, bytes, rate, fedBy: told, since: now, atSince: bytes }
}

/** With those that were named before, when it is too early for new ones. */
const fedBy = (before: ReadonlyArray<Fed>, request: JoinRequest, millis: number): ReadonlyArray<Fed> => {
  const told = request.fedBy ?? []
  if (told.length === 0) return before
  // Clients say first who gave most, and each once.
  if (before.length === 0 && told.every(isFirst)) {
    return told.map(({ bytes, peerId }) => fedOf(peerId, bytes, millis))
  }
  const sums = new Map<PeerId, { bytes: number; rate: number }>()
  for (const { bytes, peerId, rate } of before) sums.set(peerId, { bytes, rate: millis === Infinity ? 0 : rate })
  for (const { bytes: said, peerId } of told) {
    const { bytes, rate } = fedOf(peerId, said, millis)
    const sum = sums.get(peerId) ?? { bytes: 0, rate: 0 }
    sums.set(peerId, { bytes: Amounts.bounded(sum.bytes + bytes), rate: Amounts.bounded(sum.rate + rate) })
  }
  return [...sums]
    .map(([peerId, sum]) => ({ peerId, ...sum }))
    .toSorted((a, b) => b.bytes - a.bytes || (a.peerId < b.peerId ? -1 : 1))
    .slice(0, mostFeeders)
}

const isFirst = ({ peerId }: Named, n: number, told: ReadonlyArray<Named>): boolean => {
  for (let before = 0; before < n; before++) if (told[before]?.peerId === peerId) return false
  return true
}

interface Named {
  readonly peerId: PeerId
}

const fedOf = (peerId: PeerId, said: number, millis: number): Fed => {
  const bytes = Amounts.bounded(said)
  return { peerId, bytes, rate: Amounts.bounded(Math.round((bytes * 1000) / millis)) }
}
