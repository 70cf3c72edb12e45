/**
 * The lease tables of one swarm: one for each site, and within it for each class of devices and each way the content is
 * said to be cut, so that a member that says nonsense shares a table with nobody.
 *
 * Invariant: a member is in one table at most, and no table is empty.
 */
import type { LeaseRequest } from "@piecework/cloud/LeaseRpc"
import { classOf } from "@piecework/cloud/Profile"
import * as Bitfield from "@piecework/domain/Bitfield"
import { deviceOf, type PeerId } from "@piecework/domain/Peer"
import { HashMap, Option } from "effect"
import type { LeasePace } from "./LeasePace.ts"
import * as Leases from "./Leases.ts"

export interface LeaseTables {
  readonly tableOf: HashMap.HashMap<PeerId, string>
  readonly tables: HashMap.HashMap<string, Leases.Leases>
  /** Epoch milliseconds of the last look at tables that nobody asks. */
  readonly sweptAt: number
}

export const empty: LeaseTables = { tableOf: HashMap.empty(), tables: HashMap.empty(), sweptAt: 0 }

/** What the table needs to know of the asker besides its request. */
export interface Asker {
  readonly site: string
  readonly externalIp: string
  /** Members of its site that hold everything, itself not counted. */
  readonly sources: number
}

export interface Limits {
  /** Most members in all tables. */
  readonly maxMembers: number
  /** Most bytes that the bitfields of all members take. */
  readonly maxBytes: number
}

/** `undefined` when the request makes no sense, or there is no room for one more member. */
export const ask = (
  before: LeaseTables,
  request: LeaseRequest,
  asker: Asker,
  now: number,
  pace: LeasePace,
  limits: Limits
): readonly [Leases.Answer | undefined, LeaseTables] => {
  const { pieceCount, pieceSize, peerId } = request
  const held = Bitfield.fromBytes(pieceCount, request.held)
  if (held === undefined) return [undefined, before]
  const key = [asker.site, classOf(request.profile), pieceCount, pieceSize].join(" ")
  const swept = sweep(before, now, pace)
  const moved = Option.contains(HashMap.get(swept.tableOf, peerId), key) ? swept : remove(swept, peerId)
  const isKnown = HashMap.has(moved.tableOf, peerId)
  const room = Math.min(limits.maxMembers, Math.floor(limits.maxBytes / held.bytes.length))
  if (!isKnown && HashMap.size(moved.tableOf) >= room) return [undefined, moved]
  const own = Option.getOrElse(HashMap.get(moved.tables, key), () => Leases.make(pieceCount, pieceSize))
  const { keep, most, originRate: rate, seq } = request
  const { externalIp, sources } = asker
  const [answer, next] = Leases.ask(
    isKnown ? own : withoutFormer(own, peerId, now, pace),
    { id: peerId, externalIp, held, keep, most, rate, seq, sources },
    now,
    pace
  )
  return [
    answer,
    {
      ...moved,
      tableOf: HashMap.set(moved.tableOf, peerId, key),
      tables: HashMap.set(moved.tables, key, next)
    }
  ]
}

/** Without the member. Only from where it asked may it be taken out. */
export const leave = (before: LeaseTables, id: PeerId, externalIp: string): LeaseTables =>
  Option.match(HashMap.get(before.tableOf, id), {
    onNone: () => before,
    onSome: (key) =>
      Option.match(HashMap.get(before.tables, key), {
        onNone: () => before,
        onSome: (table) => {
          const rest = Leases.leave(table, id, externalIp)
          return rest === table ? before : put({ ...before, tableOf: HashMap.remove(before.tableOf, id) }, key, rest)
        }
      })
  })

/** A device that comes with a new id, while its old one is overdue, was restarted: what the old one had leased is free. */
const withoutFormer = (table: Leases.Leases, id: PeerId, now: number, pace: LeasePace): Leases.Leases => {
  for (const [other, member] of table.members) {
    const isOverdue = now - member.askedAt > pace.renew
    if (isOverdue && deviceOf(other) === deviceOf(id)) return Leases.leave(table, other, member.externalIp)
  }
  return table
}

const remove = (before: LeaseTables, id: PeerId): LeaseTables => {
  const key = Option.getOrUndefined(HashMap.get(before.tableOf, id))
  const table = key === undefined ? Option.none() : HashMap.get(before.tables, key)
  if (key === undefined || Option.isNone(table)) return before
  const member = Option.getOrUndefined(HashMap.get(table.value.members, id))
  return member === undefined ? before : leave(before, id, member.externalIp)
}

const put = (state: LeaseTables, key: string, table: Leases.Leases): LeaseTables => ({
  ...state,
  tables: HashMap.isEmpty(table.members) ? HashMap.remove(state.tables, key) : HashMap.set(state.tables, key, table)
})

/** Between two looks at all tables, in milliseconds; one that is asked is looked at more often. */
const sweepEvery = 10_000

const sweep = (before: LeaseTables, now: number, pace: LeasePace): LeaseTables => {
  if (now - before.sweptAt < sweepEvery) return before
  let next: LeaseTables = { ...before, sweptAt: now }
  for (const [key, table] of before.tables) {
    const rest = Leases.expire(table, now, pace)
    if (rest !== table) next = put(next, key, rest)
  }
  const isThere = (key: string, id: PeerId) =>
    Option.exists(HashMap.get(next.tables, key), (table) => HashMap.has(table.members, id))
  return { ...next, tableOf: HashMap.filter(next.tableOf, isThere) }
}
