/** The members of one site, who do what they are told to and remember what they were leased. */
import { Bitfield, Peer } from "@piecework/domain"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import { HashMap, Option } from "effect"
import * as Gaps from "../src/Gaps.ts"
import { defaults } from "../src/LeasePace.ts"
import * as Leases from "../src/Leases.ts"
import * as LeaseTable from "../src/LeaseTable.ts"

export const pieceSize = 1_000_000
export const idOf = (n: number): LeaseTable.MemberId =>
  `203.0.113.1 ${Peer.idOf(Peer.DeviceId.make(n.toString(16).padStart(32, "0")), 0)}`

export class Site {
  leases: LeaseTable.LeaseTable
  now = 1_000_000
  again = 0
  readonly #has = new Map<number, Set<number>>()
  readonly #leased = new Map<number, Set<number>>()
  readonly #seq = new Map<number, number>()
  readonly pieces: number

  constructor(pieces: number) {
    this.pieces = pieces
    this.leases = LeaseTable.make(pieces, pieceSize)
  }

  has(n: number): Set<number> {
    const held = this.#has.get(n) ?? new Set()
    this.#has.set(n, held)
    return held
  }

  member(n: number): LeaseTable.Holder | undefined {
    return Option.getOrUndefined(HashMap.get(this.leases.members, idOf(n)))
  }

  leased(n: number): ReadonlyArray<number> {
    return [...(this.#leased.get(n) ?? [])]
  }

  /** What the member has leased after it asked; by default it goes on with what it had. */
  ask(n: number, more: Partial<Leases.Ask> = {}): ReadonlyArray<number> {
    const seq = this.#seq.get(n) ?? 0
    this.#seq.set(n, seq + 1)
    const keep = Gaps.runsOf(this.leased(n).filter((piece) => !this.has(n).has(piece)))
    const held = Bitfield.fromPieces(this.pieces, [...this.has(n)] as Array<PieceIndex>)
    const asked = { id: idOf(n), held, keep, most: 2, rate: 0, seq, sources: 0, gives: true, ...more }
    const [answer, next] = Leases.ask(this.leases, asked, this.now, defaults)
    this.leases = next
    this.again = answer.again
    const pieces = answer.runs.flatMap(({ first, count }) => Array.from({ length: count }, (_, i) => first + i))
    this.#leased.set(n, new Set(pieces))
    return pieces
  }

  /** The member gets all that it has leased, and what else is named. */
  deliver(n: number, ...more: ReadonlyArray<number>): void {
    for (const piece of [...this.leased(n), ...more]) this.has(n).add(piece)
  }

  leave(n: number): void {
    this.leases = Leases.leave(this.leases, idOf(n), this.now, defaults)
  }

  forget(): void {
    this.leases = LeaseTable.make(this.pieces, pieceSize)
  }
}
