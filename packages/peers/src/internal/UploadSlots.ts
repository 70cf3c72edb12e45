/**
 * Who is sent pieces now, over all contents: a fixed number of sessions, which take turns when there are more. Whom the
 * device may not send anything has no turn until it may again.
 */
import type { PeerKind } from "@piecework/domain/Peer"

/** A session as one that wants to be sent pieces. */
export interface Member {
  readonly kind: PeerKind
  /** Lets the session send, or stops it. */
  readonly setUnchoked: (unchoked: boolean) => void
}

export class UploadSlots {
  private readonly slots: number
  private readonly isOpen: (to: PeerKind) => boolean
  /** In the order in which they got their slots. */
  private readonly active = new Set<Member>()
  /** In the order in which they came. */
  private readonly waiting = new Set<Member>()
  /** Those that may not be sent anything. */
  private readonly barred = new Set<Member>()

  constructor(slots: number, isOpen: (to: PeerKind) => boolean = () => true) {
    this.slots = slots
    this.isOpen = isOpen
  }

  /** A session wants pieces. */
  join(member: Member): void {
    if (this.active.has(member) || this.waiting.has(member) || this.barred.has(member)) return
    if (!this.isOpen(member.kind)) {
      this.barred.add(member)
      return
    }
    this.waiting.add(member)
    this.fill()
  }

  /** A session wants no more pieces, or is over. */
  leave(member: Member): void {
    this.waiting.delete(member)
    this.barred.delete(member)
    if (!this.active.delete(member)) return
    member.setUnchoked(false)
    this.fill()
  }

  /** Those who wait get the slots of those who have had one longest. */
  rotate(): void {
    const turns = Math.min(this.waiting.size, this.active.size)
    const leaving = [...this.active].slice(0, turns)
    for (const member of leaving) {
      this.active.delete(member)
      member.setUnchoked(false)
    }
    this.fill()
    for (const member of leaving) this.waiting.add(member)
  }

  /** Whom the device may send to has changed. */
  review(): void {
    const before = [...this.barred]
    for (const member of this.active) {
      if (this.isOpen(member.kind)) continue
      this.active.delete(member)
      this.barred.add(member)
      member.setUnchoked(false)
    }
    for (const member of this.waiting) {
      if (this.isOpen(member.kind)) continue
      this.waiting.delete(member)
      this.barred.add(member)
    }
    for (const member of before) {
      if (!this.isOpen(member.kind)) continue
      this.barred.delete(member)
      this.waiting.add(member)
    }
    this.fill()
  }

  private fill(): void {
    for (const member of this.waiting) {
      if (this.active.size >= this.slots) return
      this.waiting.delete(member)
      this.active.add(member)
      member.setUnchoked(true)
    }
  }
}
