/** What one stream may send under the limit of what is sent: each write pays for itself. */
import type { Lane, Waiter } from "../Lane.ts"
import type { Gate } from "../Shaper.ts"

export class SendGate implements Gate, Waiter {
  private readonly lane: Lane
  private granted = 0
  private opened: () => void = () => {}

  constructor(lane: Lane) {
    this.lane = lane
  }

  readonly take = (wanted: number, open: () => void): number => {
    if (!this.lane.isLimited) return wanted
    this.opened = open
    if (this.granted <= 0) this.granted += this.lane.take(this)
    const now = Math.min(wanted, this.granted)
    this.granted -= now
    return now
  }

  readonly least = (turn: number): number => turn

  readonly go = (bytes: number): void => {
    this.granted += bytes
    this.opened()
  }

  close(): void {
    this.lane.leave(this)
  }
}
