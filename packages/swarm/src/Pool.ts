/**
 * Members that are for each other as far as place, mode and class go: those of one site, of one group, or those that take
 * peers from the Internet. Apart by what they can do for another, so that whoever asks finds at once what is of use to it.
 * Members that keep to their subnet have pools of their own.
 */
import { Bag, type Slot } from "./Bag.ts"
import { type Member, type Role, roles } from "./Member.ts"
import * as Traits from "./Traits.ts"

/** Who belongs together. */
export interface Circle {
  /** Of all of them; nothing in pools of members anywhere. */
  readonly site: string | undefined
  readonly group: string | undefined
  /** Of members that keep to it. */
  readonly subnet: string | undefined
  /** `Traits.kindOf` theirs. */
  readonly kind: number
}

/** A group's name may hold any character, so it stands at the end. */
export const keyOf = ({ group, kind, site, subnet }: Circle): string =>
  `${kind} ${site ?? ""} ${subnet ?? ""} ${group === undefined ? "" : `=${group}`}`

/** Texts that are looked for: a site has one external address, mostly, and some subnets. */
const mostTexts = 8

export class Pool implements Circle {
  readonly key: string
  readonly site: string | undefined
  readonly group: string | undefined
  readonly subnet: string | undefined
  readonly kind: number
  readonly #slot: Slot
  readonly #bags: { [R in Role]?: Bag } = {}
  #texts: Array<string> = []
  /** Members in it, whatever they do for others. */
  #count = 0

  constructor(circle: Circle) {
    this.key = keyOf(circle)
    this.site = circle.site
    this.group = circle.group
    this.subnet = circle.subnet
    this.kind = circle.kind
    this.#slot = circle.site === undefined ? "far" : "near"
  }

  get isEmpty(): boolean {
    return this.#count === 0
  }

  bag(role: Role): Bag | undefined {
    return this.#bags[role]
  }

  put(member: Member): void {
    this.#count++
    const role = member.roleIn(this.#slot)
    if (role !== undefined) (this.#bags[role] ??= new Bag(this.#slot)).put(member)
  }

  /** While the member is what it was when it was put in. */
  take(member: Member): void {
    this.#count--
    const role = member.roleIn(this.#slot)
    if (role !== undefined) this.#bags[role]?.take(member)
  }

  /** A text that many members have, kept once: the one that is there already. */
  once(text: string): string {
    const known = this.#texts.find((one) => one === text)
    if (known !== undefined) return known
    if (this.#texts.length >= mostTexts) this.#texts.shift()
    this.#texts.push(text)
    return text
  }

  begin(): void {
    for (const role of roles) this.#bags[role]?.begin()
  }
}

/** The pool at its site that a member is in, and the one of members elsewhere if its mode has it meet them. */
export const circlesOf = (
  place: { readonly site: string; readonly subnet: string },
  group: string | undefined,
  traits: Traits.Traits
): readonly [near: Circle, far: Circle | undefined] => {
  const subnet = (traits & Traits.sameSubnetOnly) === 0 ? undefined : place.subnet
  const near = { site: place.site, group, subnet, kind: Traits.kindOf(traits) }
  return [near, (traits & (Traits.internet | Traits.group)) === 0 ? undefined : { ...near, site: undefined }]
}
