/**
 * The lease tables of one swarm: one for each site, and within it for each class of devices and each way the content is
 * said to be cut, so that a member that says nonsense shares a table with nobody.
 *
 * Invariant: a member is in one table at most, and no table is empty; `members` and `bytes` are what all tables take.
 */
import type { LeaseRequest } from "@piecework/cloud/LeaseRpc"
import { classOf } from "@piecework/cloud/Profile"
import * as Bitfield from "@piecework/domain/Bitfield"
import type { PeerId } from "@piecework/domain/Peer"
import { HashMap, Option } from "effect"
import type { LeasePace } from "./LeasePace.ts"
import * as Leases from "./Leases.ts"
import * as LeaseTable from "./LeaseTable.ts"

export interface LeaseTables {
  readonly tableOf: HashMap.HashMap<LeaseTable.MemberId, string>
  readonly tables: HashMap.HashMap<string, LeaseTable.LeaseTable>
  readonly members: number
  readonly bytes: number
  /** The last look at tables that nobody asks. */
  readonly sweptAt: number
}

export const empty: LeaseTables = {
  tableOf: HashMap.empty(),
  tables: HashMap.empty(),
  members: 0,
  bytes: 0,
  sweptAt: -Infinity
}

/** Members, and the pieces that are leased to them. */
export const look = ({ members, tables }: LeaseTables): { readonly members: number; readonly leasedPieces: number } => {
  let leasedPieces = 0
  for (const table of HashMap.values(tables)) leasedPieces += table.leasedCount
  return { members, leasedPieces }
}

/** What the table needs to know of the asker besides its request. */
export interface Asker {
  readonly site: string
  readonly externalIp: string
  /** Members of its site that hold everything, itself not counted. */
  readonly sources: number
  /** It may upload. */
  readonly gives: boolean
}

export interface Limits {
  /** Most members in all tables. */
  readonly maxMembers: number
  /** Most bytes that all tables take. */
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
  const id = idOf(peerId, asker.externalIp)
  const key = [asker.site, classOf(request.profile), pieceCount, pieceSize].join(" ")
  const swept = sweep(before, now, pace)
  const moved = Option.contains(HashMap.get(swept.tableOf, id), key) ? swept : remove(swept, id, now, pace)
  const found = Option.getOrUndefined(HashMap.get(moved.tables, key))
  const isKnown = found !== undefined && HashMap.has(found.members, id)
  if (!isKnown && !hasRoom(moved, found === undefined, pieceCount, limits)) return [undefined, moved]
  const own = found ?? LeaseTable.make(pieceCount, pieceSize)
  const { keep, most, originRate: rate, seq } = request
  const { gives, sources } = asker
  const [answer, table] = Leases.ask(
    isKnown ? own : withoutFormer(own, id, now, pace),
    { id, held, keep, most, rate, seq, sources, gives },
    now,
    pace
  )
  return [answer, put({ ...moved, tableOf: HashMap.set(moved.tableOf, id, key) }, key, table)]
}

/** Without the member that asked from there. */
export const leave = (
  before: LeaseTables,
  peerId: PeerId,
  externalIp: string,
  now: number,
  pace: LeasePace
): LeaseTables => remove(before, idOf(peerId, externalIp), now, pace)

/** A peer's id is known to others, an address from which it asks is not theirs. */
const idOf = (peerId: PeerId, externalIp: string): LeaseTable.MemberId => `${externalIp} ${peerId}`

/** The device of the peer, as in `Peer.deviceOf`. */
const deviceOf = (id: LeaseTable.MemberId): string => id.slice(id.indexOf(" ") + 1, -8)

const hasRoom = (state: LeaseTables, isNew: boolean, pieceCount: number, limits: Limits): boolean => {
  const { member, table } = LeaseTable.bytesOf(pieceCount)
  // Holders are counted in 16 bits.
  const most = Math.min(limits.maxMembers, 0xffff)
  return state.members < most && state.bytes + member + (isNew ? table : 0) <= limits.maxBytes
}

/**
 * A device that comes with a new id was perhaps restarted, and then what its old one had leased is free. While the old one
 * is not overdue, it has until one of its asks is missed.
 */
const withoutFormer = (
  before: LeaseTable.LeaseTable,
  id: LeaseTable.MemberId,
  now: number,
  pace: LeasePace
): LeaseTable.LeaseTable => {
  let table = before
  for (const [other, member] of before.members) {
    if (deviceOf(other) !== deviceOf(id)) continue
    const expiresAt = Math.min(member.expiresAt, member.askedAt + pace.renew + pace.grace)
    table =
      now - member.askedAt > pace.renew
        ? Leases.leave(table, other, now, pace)
        : { ...table, members: HashMap.set(table.members, other, { ...member, expiresAt }) }
  }
  return table
}

const remove = (before: LeaseTables, id: LeaseTable.MemberId, now: number, pace: LeasePace): LeaseTables => {
  const key = Option.getOrUndefined(HashMap.get(before.tableOf, id))
  if (key === undefined) return before
  const rest = { ...before, tableOf: HashMap.remove(before.tableOf, id) }
  const table = Option.getOrUndefined(HashMap.get(before.tables, key))
  return table === undefined ? rest : put(rest, key, Leases.leave(table, id, now, pace))
}

/** With the table in place of the one that was there. */
const put = (state: LeaseTables, key: string, table: LeaseTable.LeaseTable): LeaseTables => {
  const before = Option.getOrUndefined(HashMap.get(state.tables, key))
  const [had, has] = [before === undefined ? 0 : HashMap.size(before.members), HashMap.size(table.members)]
  const bytes = LeaseTable.bytesOf(table.pieceCount)
  const sizeOf = (members: number) => (members === 0 ? 0 : bytes.table + members * bytes.member)
  return {
    ...state,
    tables: has === 0 ? HashMap.remove(state.tables, key) : HashMap.set(state.tables, key, table),
    members: state.members + has - had,
    bytes: state.bytes + sizeOf(has) - sizeOf(had)
  }
}

/** Between two looks at all tables, in milliseconds; one that is asked is looked at more often. */
const sweepEvery = 10_000

const sweep = (before: LeaseTables, now: number, pace: LeasePace): LeaseTables => {
  if (now - before.sweptAt < sweepEvery) return before
  let next: LeaseTables = { ...before, sweptAt: now }
  for (const [key, table] of before.tables) {
    const rest = Leases.expire(table, now, pace)
    if (rest !== table) next = put(next, key, rest)
  }
  const isThere = (key: string, id: LeaseTable.MemberId) =>
    Option.exists(HashMap.get(next.tables, key), (table) => HashMap.has(table.members, id))
  return { ...next, tableOf: HashMap.filter(next.tableOf, isThere) }
}
