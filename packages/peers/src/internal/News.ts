/**
 * What a peer said that its listener has not been told yet. Bounded: beyond so many events what waits is replaced by its sum,
 * which is all that the peer holds and whether it chokes.
 */
import type { PeerEvent } from "../PeerSession.ts"

export class News {
  private readonly most: number
  private readonly sum: () => ReadonlyArray<PeerEvent>
  private events: Array<PeerEvent> = []
  private listener: (() => void) | undefined

  constructor(most: number, sum: () => ReadonlyArray<PeerEvent>) {
    this.most = most
    this.sum = sum
  }

  add(event: PeerEvent): void {
    if (this.events.length >= this.most) this.events = [...this.sum()]
    else if (this.events.push(event) === 1) this.listener?.()
  }

  readonly take = (): ReadonlyArray<PeerEvent> => {
    const { events } = this
    this.events = []
    return events
  }

  /** `listener` is called when there is something to take after there was nothing, and now if there is. One listener. */
  readonly listen = (listener: () => void): void => {
    this.listener = listener
    if (this.events.length > 0) listener()
  }
}
