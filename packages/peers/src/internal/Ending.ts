/**
 * How a session ends: whoever notices says why, its fibers end, and then everybody who waits for something of it is told. The first
 * reason counts.
 */
import type { PeerAddress, PeerId } from "@piecework/domain/Peer"
import { SourceError, type SourceId } from "@piecework/sources/PieceSource"
import { Deferred, Effect } from "effect"
import { PeerError, type Violation } from "../PeerError.ts"

export interface EndingOptions {
  /** The session as a source. */
  readonly source: SourceId
  readonly peer: PeerId
  readonly address: PeerAddress
}

export class Ending {
  /** Waits until it is over, everybody told; answers why. */
  readonly closed: Effect.Effect<PeerError>
  /** Fails, or dies, once somebody has noticed the end. */
  readonly noticed: Effect.Effect<never, PeerError>
  private readonly options: EndingOptions
  private readonly notice = Deferred.makeUnsafe<never, PeerError>()
  private readonly end = Deferred.makeUnsafe<PeerError>()
  private why: PeerError | undefined

  constructor(options: EndingOptions) {
    this.options = options
    this.closed = Deferred.await(this.end)
    this.noticed = Deferred.await(this.notice)
  }

  get isOver(): boolean {
    return this.why !== undefined
  }

  /** What whoever asks for something now fails with; `undefined` while it goes on. */
  get failure(): SourceError | undefined {
    return this.why === undefined ? undefined : this.inSources(this.why)
  }

  error(reason: PeerError["reason"], violation?: Violation, cause?: unknown): PeerError {
    const { address, peer } = this.options
    return new PeerError({ peer, address: address.toString(), reason, violation, cause })
  }

  /** Somebody has noticed it, who finishes its step before anything follows. */
  begin(why: Effect.Effect<never, PeerError>): void {
    queueMicrotask(() => Deferred.doneUnsafe(this.notice, why))
  }

  /** Once; the fibers of the session have ended. `tell` is for those who wait for pieces. */
  complete(why: PeerError, tell: (failure: Effect.Effect<never, SourceError>) => void): void {
    this.why = why
    const failure = Effect.fail(this.inSources(why))
    queueMicrotask(() => {
      tell(failure)
      Deferred.doneUnsafe(this.end, Effect.succeed(why))
    })
  }

  private inSources(why: PeerError): SourceError {
    const reason = why.reason === "Protocol" ? "Protocol" : why.reason === "TimedOut" ? "Stalled" : "Closed"
    return new SourceError({ source: this.options.source, reason, cause: why })
  }
}
