/**
 * A session from the handshake to its end. Three fibers: one reads, one writes, one looks at the clocks once a second.
 * What they share is plain state, changed only in synchronous steps. The writer sends what the state calls for (choke,
 * interest, haves, cancels, requests) before the next block, so nothing that a peer does makes a queue grow.
 */
import { Bitfield } from "@piecework/domain"
import type { PeerAddress, PeerId, PeerKind } from "@piecework/domain/Peer"
import { deviceOf } from "@piecework/domain/Peer"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import type { BufferPool, PieceBuffer } from "@piecework/hashing/BufferPool"
import { type PieceRun, SourceError, SourceId } from "@piecework/sources/PieceSource"
import type { ByteStream, TransportError } from "@piecework/transport/ByteStream"
import { Codec } from "@piecework/wire"
import type { Block, Message } from "@piecework/wire/Message"
import { Deferred, Effect, Exit, Queue } from "effect"
import type { Bans } from "../Bans.ts"
import type { PeerConfig } from "../PeerConfig.ts"
import { PeerError, type Violation } from "../PeerError.ts"
import type { Served } from "../PeerHost.ts"
import type { PeerCounters, PeerEvent, PeerSession } from "../PeerSession.ts"
import { ByteCounts } from "./ByteCounts.ts"
import { FrameReader, type Receiver } from "./FrameReader.ts"
import { Inventory } from "./Inventory.ts"
import { type Arrival, Requests } from "./Requests.ts"
import { Uploads } from "./Uploads.ts"
import type { Member, UploadSlots } from "./UploadSlots.ts"
import { Wake } from "./Wake.ts"
import { watch } from "./watch.ts"

export interface SessionOptions {
  readonly stream: ByteStream
  readonly peer: PeerId
  readonly address: PeerAddress
  readonly kind: PeerKind
  readonly incoming: boolean
  readonly served: Served
  readonly config: PeerConfig["Service"]
  readonly pool: BufferPool["Service"]
  readonly bans: Bans["Service"]
  readonly slots: UploadSlots
}

/** Pieces of one run that are asked for before the first of them is complete. */
const piecesAhead = 4

export class Session implements PeerSession, Receiver, Member {
  readonly id: SourceId
  readonly peer: PeerId
  readonly address: PeerAddress
  readonly kind: PeerKind
  readonly incoming: boolean
  readonly events: Queue.Queue<PeerEvent>
  readonly closed: Effect.Effect<PeerError>
  readonly close: Effect.Effect<void>
  readonly bitfieldLength: number

  private readonly options: SessionOptions
  private readonly reader: FrameReader
  private readonly requests: Requests
  private readonly ending = Deferred.makeUnsafe<never, PeerError>()
  private readonly end = Deferred.makeUnsafe<PeerError>()
  private ended: PeerError | undefined

  private readonly inventory: Inventory
  private isChoked = true

  /** Called when the writer may have something to do. */
  private readonly wake = new Wake()
  private readonly haves: Array<PieceIndex> = []
  private readonly laterHaves: Array<PieceIndex> = []
  private isLater = false
  private readonly cancels: Array<Block> = []
  private keepAlive = false
  private interestSent = false
  private unchoked = false
  private unchokeSent = false
  private readonly uploads: Uploads
  private writing = false

  /** The piece whose block is being read into its buffer now. */
  private filling: Arrival | undefined
  /** Nobody waits for `filling` any more: its buffer goes back when the block is complete. */
  private abandoned = false
  private readonly counts: ByteCounts

  constructor(options: SessionOptions) {
    const { config, served } = options
    this.options = options
    this.id = SourceId.make(`peer:${options.peer}`)
    this.peer = options.peer
    this.address = options.address
    this.kind = options.kind
    this.incoming = options.incoming
    this.events = Effect.runSync(Queue.unbounded<PeerEvent>())
    this.inventory = new Inventory(served.store.held())
    this.bitfieldLength = Bitfield.byteLength(served.phf.layout.pieceCount)
    this.uploads = new Uploads(served.phf.layout, config.maxQueuedRequests)
    this.requests = new Requests(served.phf.layout, config.blockSize, config.maxRequests)
    this.counts = new ByteCounts(options.stream.counters)
    this.reader = new FrameReader(options.stream, this)
    this.closed = Deferred.await(this.end)
    this.close = Effect.sync(() => {
      Deferred.doneUnsafe(this.ending, Effect.fail(this.error("Closed")))
    }).pipe(Effect.andThen(this.closed), Effect.asVoid)
  }

  /** Runs `opened`, then the session until it is over, and says why it is. The stream has to be closed then. */
  run(opened: Effect.Effect<unknown>): Effect.Effect<PeerError> {
    const parts = [this.reader.run, this.write, this.watch, Deferred.await(this.ending)]
    // Whoever `opened` told of the session learns of its end in any case.
    return Effect.andThen(opened, Effect.flip(Effect.raceAllFirst(parts))).pipe(
      Effect.onExit((exit) => Effect.sync(() => this.finish(Exit.isSuccess(exit) ? exit.value : this.error("Closed"))))
    )
  }

  readonly held = (): Bitfield.Bitfield => this.inventory.held()

  readonly choked = (): boolean => this.isChoked

  readonly received = (): number => this.counts.received

  readonly counters = (): PeerCounters => this.counts.snapshot()

  readonly announce = (piece: PieceIndex): Effect.Effect<void> => Effect.sync(() => this.tell(piece))

  readonly fetch: PeerSession["fetch"] = (run, _layout, deliver) =>
    run.count === 1
      ? this.fetchPiece(run.first, deliver)
      : Effect.forEach(piecesOf(run), (piece) => this.fetchPiece(piece, deliver), {
          concurrency: piecesAhead,
          discard: true
        })

  private fetchPiece(
    piece: PieceIndex,
    deliver: (piece: PieceIndex, buffer: PieceBuffer) => Effect.Effect<void>
  ): Effect.Effect<void, SourceError> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.gen({ self: this }, function* () {
        if (this.ended !== undefined) return yield* this.sourceError(this.ended)
        if (!this.inventory.theyHold(piece)) return yield* new SourceError({ source: this.id, reason: "NotFound" })
        if (this.requests.has(piece)) {
          return yield* Effect.die(new Error(`piece ${piece} is under way in this session already`))
        }
        const arrival = this.requests.add(piece)
        this.wake.call()
        const buffer = yield* restore(Deferred.await(arrival.done)).pipe(
          Effect.onError(() => Effect.sync(() => this.abandon(arrival)))
        )
        yield* deliver(piece, buffer)
      })
    )
  }

  /** Nobody waits for the piece any more. */
  private abandon(arrival: Arrival): void {
    this.cancels.push(...this.requests.remove(arrival))
    this.wake.call()
    if (this.filling === arrival) {
      this.abandoned = true
      return
    }
    this.counts.wasted += arrival.received
    arrival.buffer?.release()
  }

  readonly message = (message: Message): Violation | undefined => {
    if (message._tag === "Bitfield") return this.takeBitfield(message.bytes)
    // A peer that begins with anything else holds nothing yet.
    if (this.inventory.unknown) this.begin(Bitfield.empty(this.inventory.pieceCount))
    switch (message._tag) {
      case "Choke":
        if (this.isChoked) return undefined
        this.isChoked = true
        this.requests.forgetAll()
        this.tellDownload({ _tag: "Choked" })
        return undefined
      case "Unchoke":
        if (!this.isChoked) return undefined
        this.isChoked = false
        this.wake.call()
        this.tellDownload({ _tag: "Unchoked" })
        return undefined
      case "Interested":
        this.options.slots.join(this)
        return undefined
      case "NotInterested":
        this.options.slots.leave(this)
        return undefined
      case "Have":
        return this.takeHave(message.piece)
      case "Request":
        return this.takeRequest(message)
      case "Cancel":
        this.uploads.cancel(message)
        return undefined
      default:
        return undefined
    }
  }

  readonly block = (block: Block): Uint8Array | "Skip" | "Wait" | undefined => {
    const arrival = this.requests.begin(block)
    if (arrival === undefined) return undefined
    this.counts.beginBlock(block.length)
    if (arrival === "Stale") return "Skip"
    this.filling = arrival
    arrival.buffer ??= this.options.pool.acquireUnsafe()
    return arrival.buffer === undefined ? "Wait" : placeOf(block, arrival.buffer)
  }

  readonly room = (block: Block): Effect.Effect<Uint8Array | "Skip"> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.map(restore(this.options.pool.acquire), (buffer) => {
        const arrival = this.filling
        if (arrival !== undefined && !this.abandoned) return placeOf(block, (arrival.buffer = buffer))
        buffer.release()
        this.filling = undefined
        this.abandoned = false
        return "Skip"
      })
    )

  readonly blockDone = (block: Block): void => {
    this.counts.endBlock()
    const arrival = this.filling
    if (arrival === undefined) {
      this.counts.wasted += block.length
      return
    }
    this.filling = undefined
    const complete = this.requests.finish(arrival, block)
    this.wake.call()
    if (this.abandoned) {
      this.abandoned = false
      this.counts.wasted += arrival.received
      arrival.buffer?.release()
    } else if (complete && arrival.buffer !== undefined) {
      const whole = Effect.succeed(arrival.buffer)
      // Not at once: whoever waits would go on inside this step of the reader.
      queueMicrotask(() => Deferred.doneUnsafe(arrival.done, whole))
    }
  }

  readonly refuse = (violation: Violation, cause?: unknown): PeerError => this.error("Protocol", violation, cause)

  readonly connectionLost = (cause?: TransportError): PeerError => this.error("Closed", undefined, cause)

  private takeBitfield(bytes: Uint8Array): Violation | undefined {
    const pieces = Bitfield.fromBytes(this.inventory.pieceCount, bytes)
    if (pieces === undefined || !this.inventory.unknown) return "BadBitfield"
    this.begin(pieces)
    return undefined
  }

  private begin(pieces: Bitfield.Bitfield): void {
    this.inventory.begin(pieces)
    this.wake.call()
    this.tellDownload({ _tag: "Held", pieces })
  }

  private takeHave(piece: PieceIndex): Violation | undefined {
    const news = this.inventory.takeHave(piece)
    if (typeof news === "string") return news
    if (!news) return undefined
    if (this.inventory.wanted && !this.interestSent) this.wake.call()
    this.tellDownload({ _tag: "Have", piece })
    return undefined
  }

  private takeRequest(block: Block): Violation | undefined {
    const violation = this.uploads.check(block)
    if (violation !== undefined) return violation
    if (!this.inventory.mine.has(block.piece)) return "PieceNotHeld"
    // It was sent before our choke came to the peer, which knows by now that it has to ask again.
    if (!this.unchokeSent) return undefined
    this.wake.call()
    return this.uploads.add(block)
  }

  /** Beyond `maxEvents` what waits is replaced by its sum. */
  private tellDownload(event: PeerEvent): void {
    if (Queue.sizeUnsafe(this.events) >= this.options.config.maxEvents) {
      while (Queue.takeUnsafe(this.events) !== undefined);
      Queue.offerUnsafe(this.events, { _tag: "Held", pieces: this.held() })
      Queue.offerUnsafe(this.events, { _tag: this.isChoked ? "Choked" : "Unchoked" })
      return
    }
    Queue.offerUnsafe(this.events, event)
  }

  readonly setUnchoked = (unchoked: boolean): void => {
    this.unchoked = unchoked
    this.wake.call()
  }

  private tell(piece: PieceIndex): void {
    if (!this.inventory.tell(piece)) return
    // A peer that holds it itself learns little: that rides along with the next message, or goes a second later.
    if (this.inventory.theyHold(piece)) return void this.laterHaves.push(piece)
    this.haves.push(piece)
    this.wake.call()
  }

  private get write(): Effect.Effect<never, PeerError> {
    return Effect.gen({ self: this }, function* () {
      yield* this.send([Codec.encode({ _tag: "Bitfield", bytes: this.inventory.mine.toBitfield().bytes })])
      while (true) {
        this.wake.reset()
        const control = this.takeControl()
        if (control.length > 0) {
          yield* this.send([Buffer.concat(control)])
          continue
        }
        const block = this.uploads.next()
        if (block === undefined) yield* this.wake.wait
        else yield* this.upload(block)
      }
    })
  }

  /** The messages that the state calls for now. */
  private takeControl(): ReadonlyArray<Uint8Array> {
    const messages: Array<Uint8Array> = []
    if (this.unchoked !== this.unchokeSent) {
      this.unchokeSent = this.unchoked
      if (!this.unchoked) this.uploads.clear()
      messages.push(Codec.encode({ _tag: this.unchoked ? "Unchoke" : "Choke" }))
    }
    // Interest stays until we hold everything: the next piece they announce is then one round trip away, not two.
    const { wanted, mine } = this.inventory
    const interested = wanted || this.requests.size > 0 || (this.interestSent && mine.size < mine.pieceCount)
    if (interested !== this.interestSent) {
      this.interestSent = interested
      messages.push(Codec.encode({ _tag: this.interestSent ? "Interested" : "NotInterested" }))
    }
    for (const piece of this.haves.splice(0)) messages.push(Codec.encode({ _tag: "Have", piece }))
    for (const block of this.cancels.splice(0)) messages.push(Codec.encode({ _tag: "Cancel", ...block }))
    if (!this.isChoked) {
      for (let block = this.requests.ask(); block !== undefined; block = this.requests.ask()) {
        messages.push(Codec.encode({ _tag: "Request", ...block }))
      }
    }
    if (this.isLater || messages.length > 0) {
      for (const piece of this.laterHaves.splice(0)) messages.push(Codec.encode({ _tag: "Have", piece }))
    }
    this.isLater = false
    if (this.keepAlive && messages.length === 0) messages.push(Codec.encode({ _tag: "KeepAlive" }))
    this.keepAlive = false
    return messages
  }

  private upload(block: Block): Effect.Effect<void, PeerError> {
    const frame = this.uploads.frame(block)
    return this.options.served.store.read(block.piece, block.offset, frame.subarray(Codec.pieceHeaderLength)).pipe(
      // The peer was told that we hold the piece, and the protocol has no way to take that back but a new session.
      Effect.mapError((cause) => this.error("Closed", undefined, cause)),
      Effect.andThen(this.send([frame])),
      Effect.andThen(
        Effect.sync(() => {
          this.counts.sent += block.length
        })
      )
    )
  }

  private send(parts: ReadonlyArray<Uint8Array>): Effect.Effect<void, PeerError> {
    return Effect.suspend(() => {
      this.writing = true
      return Effect.map(this.options.stream.write(parts), () => {
        this.writing = false
      })
    }).pipe(Effect.mapError(this.connectionLost))
  }

  private get watch(): Effect.Effect<never, PeerError> {
    const { bans, config, served, stream } = this.options
    return watch({
      config,
      counters: stream.counters,
      inFrame: () => this.reader.inFrame,
      writing: () => this.writing,
      abandoned: () => this.abandoned && this.filling?.buffer !== undefined,
      isBanned: bans.isBanned({ device: deviceOf(this.peer), host: this.address.host }),
      held: served.store.held,
      // Pieces that came while nobody knew of this session are announced here.
      heldChanged: (held) => {
        for (const piece of Bitfield.pieces(this.inventory.mine.missingOf(held))) this.tell(piece)
      },
      looked: () => {
        this.isLater = this.laterHaves.length > 0
        if (this.isLater) this.wake.call()
      },
      keepAlive: () => {
        this.keepAlive = true
        this.wake.call()
      }
    }).pipe(Effect.flatMap((reason) => Effect.fail(this.error(reason))))
  }

  /** Once; the fibers of the session have ended. */
  private finish(error: PeerError): void {
    if (this.ended !== undefined) return
    this.ended = error
    this.options.slots.leave(this)
    const arrival = this.filling
    this.counts.breakOff()
    this.filling = undefined
    if (arrival !== undefined && this.abandoned) {
      this.counts.wasted += arrival.received
      arrival.buffer?.release()
    }
    const failure = Effect.fail(this.sourceError(error))
    queueMicrotask(() => {
      for (const waiting of this.requests.underWay()) Deferred.doneUnsafe(waiting.done, failure)
      Deferred.doneUnsafe(this.end, Effect.succeed(error))
    })
  }

  private error(reason: PeerError["reason"], violation?: Violation, cause?: unknown): PeerError {
    return new PeerError({ peer: this.peer, address: this.address.toString(), reason, violation, cause })
  }

  private sourceError(error: PeerError): SourceError {
    const reason = error.reason === "Protocol" ? "Protocol" : error.reason === "TimedOut" ? "Stalled" : "Closed"
    return new SourceError({ source: this.id, reason, cause: error })
  }
}

/** Where the block lies in its piece. */
const placeOf = ({ length, offset }: Block, buffer: PieceBuffer): Uint8Array =>
  buffer.bytes.subarray(offset, offset + length)

const piecesOf = (run: PieceRun): ReadonlyArray<PieceIndex> =>
  Array.from({ length: run.count }, (_, i) => (run.first + i) as PieceIndex)
