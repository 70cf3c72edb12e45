/**
 * Whom this device may send pieces now, and what it has sent. Sessions ask and count, somebody above decides: who may not be
 * sent anything is choked, and its session goes on. Without anybody who decides, every peer may be sent to.
 */
import type { PeerKind } from "@piecework/domain/Peer"
import { Context, Effect, type Scope } from "effect"

export interface UploadGate {
  readonly isOpen: (to: PeerKind) => boolean
  /** Calls the listener in plain code whenever `isOpen` may answer something else, as long as the scope lasts. */
  readonly onChange: (listener: () => void) => Effect.Effect<void, never, Scope.Scope>
  /** So many bytes of content were handed to the operating system for such a peer: told once a block, in plain code. */
  readonly sent: (to: PeerKind, bytes: number) => void
}

export const UploadGate = Context.Reference<UploadGate>("@piecework/peers/UploadGate", {
  defaultValue: () => ({ isOpen: () => true, onChange: () => Effect.void, sent: () => undefined })
})
