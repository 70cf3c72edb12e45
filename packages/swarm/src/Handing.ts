/**
 * Whom a member is handed: the nearest first, at random within a kind, and so that all are handed out equally often. Near
 * and far are drawn from bags, so the time depends on how many peers are wanted and not on how many there are. When the
 * asker's site alone has enough, a tenth of a handout is for others all the same, if its mode allows: sites that know
 * nobody else would fetch everything for themselves. Members that only take come after those that give; those that others
 * complain about come last.
 */
import type { PeerKind } from "@piecework/domain/Peer"
import type { Bag } from "./Bag.ts"
import type { Chance } from "./Chance.ts"
import * as Complaints from "./Complaints.ts"
import { isNear, match, type Member, type Role } from "./Member.ts"
import type { Pool } from "./Pool.ts"
import * as Traits from "./Traits.ts"

export interface Handed {
  /** Members at the asker's site. */
  readonly near: ReadonlyArray<Member>
  /** Members elsewhere, all of one kind. */
  readonly far: ReadonlyArray<Member>
  readonly farKind: PeerKind
  /** About how many match; exact when all were looked at. */
  readonly candidates: number
}

export interface Surroundings {
  /** Where those at the asker's site are, and those elsewhere that its mode allows; none of them twice. */
  readonly near: ReadonlyArray<Pool>
  readonly far: ReadonlyArray<Pool>
  readonly wanted: number
  readonly now: number
  /** Sites that must complain before another listens. */
  readonly voicesNeeded: number
  readonly chance: Chance
  /** Hears of members that were silent too long. */
  readonly onSilent: (member: Member) => void
}

/** Of a handout, one in so many is kept for members elsewhere. */
const elsewhereEvery = 10

export const handout = (asker: Member, around: Surroundings): Handed => {
  const near = new Drawing(asker, around, around.near, false)
  const far = new Drawing(asker, around, around.far, true)
  const { wanted } = around
  const room = () => wanted - near.members.length - far.members.length
  const kept = Math.min(Math.floor(wanted / elsewhereEvery), far.size)
  near.draw("First", room() - kept)
  far.draw("First", room())
  near.draw("First", room())
  near.draw("Later", room())
  far.draw("Later", room())
  near.takeLast(room())
  far.takeLast(room())
  return {
    near: near.members,
    far: far.members,
    farKind: (asker.traits & Traits.group) === 0 ? "Internet" : "Group",
    candidates: near.candidates + far.candidates
  }
}

/** What is of use to a member: first those that may give to it, then those that it may give to. */
const useful: {
  readonly [R in Role]: { readonly First: ReadonlyArray<Role>; readonly Later: ReadonlyArray<Role> }
} = {
  Sharing: { First: ["Sharing", "Source"], Later: ["Taking"] },
  Source: { First: ["Sharing"], Later: ["Taking"] },
  Taking: { First: ["Sharing", "Source"], Later: [] }
}

/** Draws that find nobody end after so many, and as many as are wanted. */
const moreVisits = 128

/** Drawing from some pools for one handout. */
class Drawing {
  readonly members: Array<Member> = []
  /** Members that come last. */
  readonly #last: Array<Member> = []
  readonly #bags: { readonly First: ReadonlyArray<Bag>; readonly Later: ReadonlyArray<Bag> }
  readonly #asker: Member
  readonly #around: Surroundings
  readonly #isFar: boolean
  readonly #role: Role | undefined
  #visits: number
  #visited = 0
  #matched = 0

  constructor(asker: Member, around: Surroundings, pools: ReadonlyArray<Pool>, isFar: boolean) {
    this.#asker = asker
    this.#around = around
    this.#isFar = isFar
    this.#visits = around.wanted + moreVisits
    const role = asker.roleIn(isFar ? "far" : "near")
    this.#role = role
    for (const pool of pools) pool.begin()
    this.#bags =
      role === undefined
        ? { First: [], Later: [] }
        : { First: bagsOf(pools, useful[role].First), Later: bagsOf(pools, useful[role].Later) }
  }

  /** Members in all bags, the asker among them if it is. */
  get size(): number {
    let size = 0
    for (const bag of this.#bags.First) size += bag.size
    for (const bag of this.#bags.Later) size += bag.size
    return size
  }

  get candidates(): number {
    // Who gives and takes is among those that are for it.
    const isListed = (this.#isFar ? this.#asker.farAt : this.#asker.nearAt) >= 0
    const all = this.size - (isListed && this.#role === "Sharing" ? 1 : 0)
    return this.#visited === 0 ? all : Math.round((all * this.#matched) / this.#visited)
  }

  draw(when: "First" | "Later", most: number): void {
    const { now, voicesNeeded, chance, onSilent } = this.#around
    const bags = this.#bags[when]
    for (let wanted = most; wanted > 0 && this.#visits > 0; this.#visits--) {
      const member = drawFrom(bags, chance)
      if (member === undefined) return
      if (member === this.#asker) continue
      this.#visited++
      if (member.expiresAt <= now) {
        onSilent(member)
        continue
      }
      if (match(this.#asker, member) === undefined || (this.#isFar && isNear(this.#asker, member))) continue
      this.#matched++
      if (Complaints.comesLast(this.#asker, member, voicesNeeded, now) && chance.below(Complaints.blindEvery) > 0) {
        this.#last.push(member)
      } else {
        this.members.push(member)
        wanted--
      }
    }
  }

  takeLast(most: number): void {
    for (let n = 0; n < most && n < this.#last.length; n++) {
      const member = this.#last[n]
      if (member !== undefined) this.members.push(member)
    }
  }
}

const bagsOf = (pools: ReadonlyArray<Pool>, roles: ReadonlyArray<Role>): ReadonlyArray<Bag> => {
  const bags: Array<Bag> = []
  for (const pool of pools) {
    for (const role of roles) {
      const bag = pool.bag(role)
      if (bag !== undefined) bags.push(bag)
    }
  }
  return bags
}

/** From all of them as if they were one. */
const drawFrom = (bags: ReadonlyArray<Bag>, chance: Chance): Member | undefined => {
  let all = 0
  for (const bag of bags) all += bag.left
  if (all === 0) return undefined
  let chosen = bags.length === 1 ? 0 : chance.below(all)
  for (const bag of bags) {
    if (chosen < bag.left) return bag.draw(chance)
    chosen -= bag.left
  }
  return undefined
}
