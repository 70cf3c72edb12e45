/**
 * Who is connected about what. Between two peers there is at most one session about a content: when both dial at once,
 * the connection that the peer with the lower id dialled stays. A connection that no handshake was sent on yet gives
 * way, so that a peer which cannot be reached does not keep itself from reaching us.
 */
import type { Digest } from "@piecework/domain/Digest"
import { toHex } from "@piecework/domain/Digest"
import type { PeerId } from "@piecework/domain/Peer"
import { Deferred, Effect } from "effect"

export interface Slot {
  readonly swarm: string
  /** Who is expected, and once it is open who it is. */
  peer: PeerId
  /** Dialling: no handshake was sent. Shaking: ours was. Open: a session. Gone: given up. */
  stage: "Dialling" | "Shaking" | "Open" | "Gone"
  /** Done once the slot is open or gone. */
  readonly settled: Deferred.Deferred<void>
  /** Done when the other side's connection is taken instead. */
  readonly overtaken: Deferred.Deferred<void>
}

export class Registry {
  private readonly slots = new Map<string, Slot>()
  private readonly self: PeerId
  private readonly maxConnections: number

  constructor(self: PeerId, maxConnections: number) {
    this.self = self
    this.maxConnections = maxConnections
  }

  /** A place for a connection that we dial. */
  dial(swarm: Digest, peer: PeerId): Slot | "Duplicate" | "TooManyConnections" {
    if (this.slots.has(keyOf(toHex(swarm), peer))) return "Duplicate"
    if (this.slots.size >= this.maxConnections) return "TooManyConnections"
    return this.add(toHex(swarm), peer, "Dialling")
  }

  /** The dialled peer answered and is `peer`. False when there is another connection with it by now. */
  open(slot: Slot, peer: PeerId): boolean {
    if (slot.stage === "Gone") return false
    if (peer !== slot.peer) {
      if (this.slots.has(keyOf(slot.swarm, peer))) return false
      this.slots.delete(keyOf(slot.swarm, slot.peer))
      slot.peer = peer
      this.slots.set(keyOf(slot.swarm, peer), slot)
    }
    slot.stage = "Open"
    Deferred.doneUnsafe(slot.settled, Effect.void)
    return true
  }

  /** A place for a connection that `peer` dialled, or the effect to wait for before asking again. */
  admit(
    swarm: Digest,
    peer: PeerId
  ): Slot | "Duplicate" | "TooManyConnections" | { readonly wait: Effect.Effect<void> } {
    const known = this.slots.get(keyOf(toHex(swarm), peer))
    if (known?.stage === "Open") return "Duplicate"
    if (known?.stage === "Shaking" && this.self < peer) return { wait: Deferred.await(known.settled) }
    if (known !== undefined) {
      this.remove(known)
      Deferred.doneUnsafe(known.overtaken, Effect.void)
    }
    if (this.slots.size >= this.maxConnections) return "TooManyConnections"
    const slot = this.add(toHex(swarm), peer, "Open")
    Deferred.doneUnsafe(slot.settled, Effect.void)
    return slot
  }

  /** The connection is over. Twice is once. */
  remove(slot: Slot): void {
    const key = keyOf(slot.swarm, slot.peer)
    if (this.slots.get(key) === slot) this.slots.delete(key)
    slot.stage = "Gone"
    Deferred.doneUnsafe(slot.settled, Effect.void)
  }

  private add(swarm: string, peer: PeerId, stage: Slot["stage"]): Slot {
    const slot: Slot = {
      swarm,
      peer,
      stage,
      settled: Deferred.makeUnsafe(),
      overtaken: Deferred.makeUnsafe()
    }
    this.slots.set(keyOf(swarm, peer), slot)
    return slot
  }
}

const keyOf = (swarm: string, peer: PeerId): string => `${swarm}/${peer}`
