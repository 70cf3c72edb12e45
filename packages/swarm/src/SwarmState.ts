/**
 * The members of one swarm, and whom each is handed. Values only: time and chance come in as arguments, so the same joins
 * give the same handouts.
 *
 * Invariant: a member is listed once, under its site; `count` is the number listed.
 */
import type { Peer, PeerId } from "@piecework/domain/Peer"
import { HashMap, Option } from "effect"
import { type Member, match, peerOf } from "./Member.ts"

export interface SwarmState {
  /** Makes the handouts of this swarm differ from another's. */
  readonly seed: number
  /** Joins so far; makes each handout differ from the last. */
  readonly turn: number
  readonly count: number
  /** Epoch milliseconds of the last removal of the silent. */
  readonly sweptAt: number
  readonly siteOf: HashMap.HashMap<PeerId, string>
  readonly sites: HashMap.HashMap<string, ReadonlyArray<Member>>
}

export const make = (seed: number): SwarmState => ({
  seed: seed >>> 0,
  turn: 0,
  count: 0,
  sweptAt: 0,
  siteOf: HashMap.empty(),
  sites: HashMap.empty()
})

/** Time between two removals of the silent, in milliseconds; a handout leaves them out even before. */
const sweepEvery = 10_000

/** Most members that one handout looks at, so that a join of a swarm of any size takes well under a millisecond. */
const mostVisited = 1024

export const find = (state: SwarmState, id: PeerId): Option.Option<Member> =>
  Option.flatMap(HashMap.get(state.siteOf, id), (site) =>
    Option.fromUndefinedOr(membersAt(state, site).find((member) => member.id === id))
  )

/** With the member in, or its newer word in place of the older. Past `maxMembers` newcomers are not kept. */
export const join = (before: SwarmState, member: Member, now: number, maxMembers: number): SwarmState => {
  const swept = now - before.sweptAt >= sweepEvery ? expire(before, now) : before
  const rest = remove(swept, member.id)
  if (rest.count >= maxMembers) return { ...rest, turn: rest.turn + 1 }
  const { site } = member.place
  return {
    ...rest,
    turn: rest.turn + 1,
    count: rest.count + 1,
    siteOf: HashMap.set(rest.siteOf, member.id, site),
    sites: HashMap.set(rest.sites, site, [...membersAt(rest, site), member])
  }
}

/** Without the member. Only where it joined from may it be taken out: others know its id, too. */
export const leave = (state: SwarmState, id: PeerId, externalIp: string): SwarmState =>
  Option.exists(find(state, id), (member) => member.externalIp === externalIp) ? remove(state, id) : state

/** Without those that have been silent too long. */
export const expire = (state: SwarmState, now: number): SwarmState => {
  let { count, siteOf, sites } = state
  for (const [site, members] of state.sites) {
    const alive = members.filter((member) => member.expiresAt > now)
    if (alive.length === members.length) continue
    count -= members.length - alive.length
    for (const member of members) if (member.expiresAt <= now) siteOf = HashMap.remove(siteOf, member.id)
    sites = alive.length === 0 ? HashMap.remove(sites, site) : HashMap.set(sites, site, alive)
  }
  return { ...state, count, siteOf, sites, sweptAt: now }
}

export interface Handout {
  /** The nearest kind first, in random order within a kind. */
  readonly peers: ReadonlyArray<Peer>
  /** Members that match, as far as they were looked at. */
  readonly candidates: number
}

export const handout = (state: SwarmState, asker: Member, wanted: number, now: number): Handout => {
  const random = generator(state)
  const found: { readonly [K in Kind]: Array<Member> } = { Lan: [], Group: [], Internet: [] }
  let candidates = 0
  let visits = mostVisited
  const visit = (members: ReadonlyArray<Member>) => {
    for (const member of shuffled(members, random)) {
      if (visits-- <= 0) return
      const kind = member.expiresAt > now ? match(asker, member) : undefined
      if (kind === undefined || kind === "LinkLocal") continue
      candidates++
      if (found[kind].length < wanted) found[kind].push(member)
    }
  }
  visit(membersAt(state, asker.place.site))
  if (asker.scope !== "Lan") {
    const others = [...HashMap.keys(state.sites)].filter((site) => site !== asker.place.site)
    for (const site of shuffled(others, random)) {
      if (visits <= 0) break
      visit(membersAt(state, site))
    }
  }
  const peers = kinds.flatMap((kind) => found[kind].map((member) => peerOf(member, kind))).slice(0, wanted)
  return { peers, candidates }
}

/** How many members of the site could give the asker every piece. */
export const sourcesAt = (
  state: SwarmState,
  site: string,
  asker: { readonly id: PeerId; readonly profileClass: number },
  now: number
): number =>
  membersAt(state, site).filter(
    (member) =>
      member.isComplete &&
      !member.restrictedUpload &&
      member.expiresAt > now &&
      member.id !== asker.id &&
      member.profileClass === asker.profileClass
  ).length

/** A number in [0, 1) that belongs to the state's turn: the jitter of the join that made it. */
export const chance = (state: SwarmState): number => generator({ seed: ~state.seed, turn: state.turn })()

type Kind = (typeof kinds)[number]
const kinds = ["Lan", "Group", "Internet"] as const

const membersAt = (state: SwarmState, site: string): ReadonlyArray<Member> =>
  Option.getOrElse(HashMap.get(state.sites, site), () => [])

const remove = (state: SwarmState, id: PeerId): SwarmState => {
  const site = Option.getOrUndefined(HashMap.get(state.siteOf, id))
  if (site === undefined) return state
  const rest = membersAt(state, site).filter((member) => member.id !== id)
  return {
    ...state,
    count: state.count - 1,
    siteOf: HashMap.remove(state.siteOf, id),
    sites: rest.length === 0 ? HashMap.remove(state.sites, site) : HashMap.set(state.sites, site, rest)
  }
}

/** Fisher and Yates's shuffle, of which only as much is done as is taken. */
function* shuffled<A>(items: ReadonlyArray<A>, random: () => number): Generator<A> {
  const moved = new Map<number, number>()
  for (let n = 0; n < items.length; n++) {
    const chosen = n + Math.floor(random() * (items.length - n))
    const item = items[moved.get(chosen) ?? chosen]
    moved.set(chosen, moved.get(n) ?? n)
    if (item !== undefined) yield item
  }
}

/** Mulberry32, a generator with 32 bits of state: good enough to spread peers, and no secret. */
const generator = ({ seed, turn }: { readonly seed: number; readonly turn: number }): (() => number) => {
  let state = (seed ^ Math.imul(turn + 1, 0x9e37_79b1)) >>> 0
  return () => {
    state = (state + 0x6d2b_79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
