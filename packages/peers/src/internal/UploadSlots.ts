/** Who is sent pieces now, over all contents: a fixed number of sessions, which take turns when there are more. */

/** A session as one that wants to be sent pieces. */
export interface Member {
  /** Lets the session send, or stops it. */
  readonly setUnchoked: (unchoked: boolean) => void
}

export class UploadSlots {
  private readonly slots: number
  /** In the order in which they got their slots. */
  private readonly active = new Set<Member>()
  /** In the order in which they came. */
  private readonly waiting = new Set<Member>()

  constructor(slots: number) {
    this.slots = slots
  }

  /** A session wants pieces. */
  join(member: Member): void {
    if (this.active.has(member) || this.waiting.has(member)) return
    this.waiting.add(member)
    this.fill()
  }

  /** A session wants no more pieces, or is over. */
  leave(member: Member): void {
    this.waiting.delete(member)
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

  private fill(): void {
    for (const member of this.waiting) {
      if (this.active.size >= this.slots) return
      this.waiting.delete(member)
      this.active.add(member)
      member.setUnchoked(true)
    }
  }
}
