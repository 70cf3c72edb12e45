/**
 * Writes what a session has to say, in plain code: one thing after the other until there is nothing, and again when woken.
 * What there is to say is asked for when the last thing is with the system, so that nothing gets old while it waits.
 */
import type { PlainStream, TransportError } from "@piecework/transport/ByteStream"

export interface Sender {
  /** What is to be sent now, all that was answered before being sent; `undefined` when there is nothing. */
  readonly next: () => Uint8Array | undefined
  /** So many bytes go to the system now. */
  readonly left: (bytes: number) => void
  /** The stream is broken. */
  readonly lost: (cause: TransportError) => void
  /** A bug: nobody else would learn of it, since no fiber runs here. */
  readonly died: (defect: unknown) => void
}

export class Outbox {
  /** Whether a write waits for the peer. */
  isWriting = false
  private readonly stream: PlainStream
  private readonly sender: Sender
  private state: "New" | "Open" | "Over" = "New"
  private isAwake = false

  constructor(stream: PlainStream, sender: Sender) {
    this.stream = stream
    this.sender = sender
  }

  /** Begins to write. */
  run(): void {
    if (this.state === "New") this.state = "Open"
    this.write()
  }

  /** Writes no more. What is with the system already goes on to the peer. */
  stop(): void {
    this.state = "Over"
  }

  /** There may be something to say. Said in a microtask: whoever calls has finished its step then, and many calls are one. */
  wake(): void {
    if (this.isAwake || this.isWriting || this.state !== "Open") return
    this.isAwake = true
    queueMicrotask(this.write)
  }

  private readonly write = (): void => {
    this.isAwake = false
    try {
      while (this.state === "Open" && !this.isWriting) {
        const bytes = this.sender.next()
        if (bytes === undefined) return
        this.sender.left(bytes.length)
        const result = this.stream.write([bytes], this.later)
        if (result === undefined) this.isWriting = true
        else if (result !== true) this.lose(result)
      }
    } catch (defect) {
      this.stop()
      this.sender.died(defect)
    }
  }

  private readonly later = (result: true | TransportError): void => {
    this.isWriting = false
    if (result === true) this.write()
    else this.lose(result)
  }

  private lose(cause: TransportError): void {
    if (this.state === "Open") this.sender.lost(cause)
    this.stop()
  }
}
