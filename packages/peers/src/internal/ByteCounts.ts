/** A session's bytes of content, up to date in the middle of a block. Invariant: `wasted` is a part of `received`. */
import type { PeerCounters } from "../PeerSession.ts"

export class ByteCounts implements PeerCounters {
  sent = 0
  wasted = 0
  private readonly stream: { readonly received: number }
  private complete = 0
  /** Bytes of the block that is coming, and what the stream had received when it began. */
  private blockLength = 0
  private blockFrom = 0

  /** `stream` counts all bytes that come in, live. */
  constructor(stream: { readonly received: number }) {
    this.stream = stream
  }

  /** A little late in the middle of a block: what the stream had read ahead when it began shows at its end. */
  get received(): number {
    return this.complete + Math.min(this.blockLength, this.stream.received - this.blockFrom)
  }

  beginBlock(length: number): void {
    this.blockLength = length
    this.blockFrom = this.stream.received
  }

  endBlock(): void {
    this.complete += this.blockLength
    this.blockLength = 0
  }

  /** The block that is coming will not be complete. */
  breakOff(): void {
    const received = this.received
    this.wasted += received - this.complete
    this.complete = received
    this.blockLength = 0
  }

  snapshot(): PeerCounters {
    return { received: this.received, sent: this.sent, wasted: this.wasted }
  }
}
