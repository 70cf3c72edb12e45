/** The two ends of a stream in memory. */
import type { PeerAddress } from "@piecework/domain/Peer"
import { Effect } from "effect"
import { type ByteStream, type PlainStream, TransportError } from "../ByteStream.ts"
import { asEffects } from "./asEffects.ts"
import { closed } from "./faults.ts"
import { Inbox } from "./Inbox.ts"
import { MemoryPipe, type Route } from "./MemoryPipe.ts"

export interface Side {
  readonly address: PeerAddress
  /** The way from here to the other side. */
  readonly route: Route
  /** Called once, when this end is closed or broken. */
  readonly onClosed: () => void
}

export interface MemoryStream extends ByteStream {
  readonly close: () => void
  /** Breaks both ends off. */
  readonly reset: () => void
  /** Looks again at what is under way, in both directions. */
  readonly wake: () => void
}

export const join = (near: Side, far: Side): readonly [near: MemoryStream, far: MemoryStream] => {
  const nearInbox = new Inbox({ want: () => toNear.want(), recall: () => {} })
  const farInbox = new Inbox({ want: () => toFar.want(), recall: () => {} })
  const toNear = new MemoryPipe(far.route, nearInbox, () => breakOff())
  const toFar = new MemoryPipe(near.route, farInbox, () => breakOff())
  const breakOff = () => {
    ends[0].broken()
    ends[1].broken()
  }
  const wake = () => {
    toNear.deliver()
    toFar.deliver()
  }
  const end = (own: Side, other: Side, inbox: Inbox, incoming: MemoryPipe, outgoing: MemoryPipe) => {
    const address = other.address.toString()
    const reset = (operation: "read" | "write") => new TransportError({ operation, address, reason: "Reset" })
    let isOpen = true
    const leave = () => {
      if (isOpen) own.onClosed()
      isOpen = false
    }
    const close = () => {
      const wasOpen = isOpen
      // As TCP does it: who closes without having read all resets the connection.
      const content = incoming.isUnread() ? "reset" : "end"
      leave()
      inbox.close(closed("read", address))
      if (!wasOpen) return
      outgoing.end(closed("write", address), content)
      incoming.abandon()
    }
    const plain: PlainStream = {
      fill: inbox.fill,
      forget: inbox.forget,
      onArrival: inbox.onArrival,
      write: outgoing.write
    }
    return {
      local: own.address,
      remote: other.address,
      plain,
      ...asEffects(plain, close),
      end: Effect.sync(() => outgoing.end(closed("write", address))),
      counters: {
        get received() {
          return inbox.received
        },
        get sent() {
          return outgoing.sent
        }
      },
      close,
      broken: () => {
        leave()
        inbox.fail(reset("read"))
        outgoing.break(reset("write"))
      },
      reset: breakOff,
      wake
    }
  }
  const ends = [end(near, far, nearInbox, toNear, toFar), end(far, near, farInbox, toFar, toNear)] as const
  return ends
}
