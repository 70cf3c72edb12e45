/**
 * A session from the handshake to its end: what its parts are and how they hang together. Reading and writing are plain code
 * that runs when the stream calls; what has to wait, for memory, for the disk, for a clock, is a fiber of the session. What
 * they share is plain state, changed only in synchronous steps.
 */
import { Bitfield } from "@piecework/domain"
import type { PeerAddress, PeerId, PeerKind } from "@piecework/domain/Peer"
import { deviceOf } from "@piecework/domain/Peer"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import type { BufferPool, PieceBuffer } from "@piecework/hashing/BufferPool"
import { type PieceRun, SourceError, SourceId } from "@piecework/sources/PieceSource"
import type { Flow, Shaper } from "@piecework/shaping/Shaper"
import type { ByteStream, TransportError } from "@piecework/transport/ByteStream"
import { Extension } from "@piecework/wire"
import type { Block, Message } from "@piecework/wire/Message"
import { type Clock, Effect, Exit } from "effect"
import type { Bans } from "../Bans.ts"
import type { PeerConfig } from "../PeerConfig.ts"
import type { PeerError, Violation } from "../PeerError.ts"
import type { Served } from "../PeerHost.ts"
import type { PeerCounters, PeerEvent, PeerSession } from "../PeerSession.ts"
import type { UploadGate } from "../UploadGate.ts"
import { Dues } from "./Dues.ts"
import { Ending } from "./Ending.ts"
import { FrameReader, type Receiver } from "./FrameReader.ts"
import { Intake } from "./Intake.ts"
import { Inventory } from "./Inventory.ts"
import { News } from "./News.ts"
import { Outbox, type Sender } from "./Outbox.ts"
import { Receipts } from "./Receipts.ts"
import { Uploads } from "./Uploads.ts"
import type { Member, UploadSlots } from "./UploadSlots.ts"
import { Valve } from "./Valve.ts"
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
  readonly shaper: Shaper
  readonly gate: UploadGate
  /** Epoch milliseconds from which the sessions of a host count their looks at the clock, so that they look together. */
  readonly looksFrom: number
  readonly clock: Clock.Clock
}

/** Pieces of one run that are asked for before the first of them is complete. */
const piecesAhead = 4

/**
 * Most bytes of a block that is asked for beyond the site. There an answer may take its time, and what has to be said besides,
 * receipts above all, waits for the end of it.
 */
const farBlockSize = 65_536

/** Under a limit of rate what is asked for beyond the site is a multiple of so many bytes. */
const unit = 512

export class Session implements PeerSession, Receiver, Sender, Member {
  readonly id: SourceId
  readonly peer: PeerId
  readonly address: PeerAddress
  readonly kind: PeerKind
  readonly incoming: boolean
  readonly closed: Effect.Effect<PeerError>
  readonly close: Effect.Effect<void>
  readonly bitfieldLength: number

  private readonly options: SessionOptions
  /** Holds what is read and sent to the limits in force, if the peer is beyond the site. */
  private readonly flow: Flow
  private readonly reader: FrameReader
  private readonly outbox: Outbox
  private readonly inventory: Inventory
  private readonly intake: Intake
  private readonly uploads: Uploads
  private readonly dues: Dues
  private readonly news: News
  private readonly receipts: Receipts
  /** Where what we send has to yield: towards peers beyond the site. */
  private readonly valve: Valve | undefined
  /** Called when answers have to be read from the cache, which one fiber does. */
  private readonly unread = new Wake()
  private isReading = false
  /** In which trace the peer says that this is. */
  private inside: Extension.Trace | undefined
  /** Bytes of a block that are being sent. */
  private sending = 0
  private readonly ending: Ending

  constructor(options: SessionOptions) {
    const { clock, config, pool, served, stream } = options
    const { layout } = served.phf
    this.options = options
    this.id = SourceId.make(`peer:${options.peer}`)
    this.peer = options.peer
    this.address = options.address
    this.kind = options.kind
    this.incoming = options.incoming
    this.ending = new Ending({ source: this.id, peer: this.peer, address: this.address })
    const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    const isFar = options.kind === "Group" || options.kind === "Internet"
    const yields = isFar && config.yields
    const blockSize = isFar ? Math.min(config.blockSize, farBlockSize) : config.blockSize
    this.bitfieldLength = Bitfield.byteLength(layout.pieceCount)
    this.flow = options.shaper.flow({ stream, kind: options.kind, priority: served.priority ?? "Foreground" })
    this.reader = new FrameReader(stream.plain, this)
    this.outbox = new Outbox(stream.plain, this, this.flow.gate)
    this.inventory = new Inventory(served.store.held())
    this.intake = new Intake({
      layout,
      pool,
      blockSize,
      unit: isFar && blockSize % unit === 0 ? unit : undefined,
      maxRequests: config.maxRequests,
      purse: this.flow.purse,
      stream: stream.counters,
      changed: () => this.outbox.wake()
    })
    this.uploads = new Uploads(layout, config.maxQueuedRequests)
    this.receipts = new Receipts(stream, now)
    this.dues = new Dues(this.inventory, this.intake, this.receipts, yields)
    this.valve = yields ? new Valve(stream.counters.sent, now) : undefined
    this.news = new News(config.maxEvents, () => [
      { _tag: "Held", pieces: this.held() },
      { _tag: this.choked() ? "Choked" : "Unchoked" }
    ])
    this.closed = this.ending.closed
    this.close = Effect.sync(() => this.lost()).pipe(Effect.andThen(this.closed), Effect.asVoid)
  }

  /** Runs `opened`, then the session until it is over, and says why it is. The stream has to be closed then. */
  run(opened: Effect.Effect<unknown>): Effect.Effect<PeerError> {
    const begin = Effect.sync(() => {
      this.outbox.run()
      this.reader.run()
    })
    const feed = this.intake.feed((room) => this.reader.place(room))
    const wake = () => this.outbox.wake()
    const valve = this.valve?.run(wake) ?? Effect.never
    const parts = [feed, this.readAnswers, valve, this.receipts.run(wake), this.watch, this.ending.noticed]
    // Whoever `opened` told of the session learns of its end in any case.
    return opened.pipe(
      Effect.andThen(begin),
      Effect.andThen(Effect.flip(Effect.raceAllFirst(parts))),
      Effect.onExit((exit) =>
        Effect.sync(() => this.finish(Exit.isSuccess(exit) ? exit.value : this.ending.error("Closed")))
      )
    )
  }

  // What the download sees.

  readonly held = (): Bitfield.Bitfield => this.inventory.held()

  readonly choked = (): boolean => !this.dues.mayAsk

  readonly received = (): number => this.intake.counts.received

  readonly isHeldBack = (): boolean => this.flow.isHeldBack() || this.flow.purse?.isWaiting() === true

  readonly counters = (): PeerCounters => this.intake.counts.snapshot()

  readonly takeEvents = (): ReadonlyArray<PeerEvent> => this.news.take()

  readonly listen = (listener: () => void): void => this.news.listen(listener)

  readonly announce = (piece: PieceIndex): void => {
    if (this.dues.tell(piece)) this.outbox.wake()
  }

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
      Effect.suspend(() => {
        const { failure } = this.ending
        if (failure !== undefined) return failure
        if (!this.inventory.theyHold(piece)) return new SourceError({ source: this.id, reason: "NotFound" })
        return Effect.flatMap(restore(this.intake.piece(piece)), (buffer) => deliver(piece, buffer))
      })
    )
  }

  readonly traced = (): Extension.Trace | undefined => this.inside

  readonly trace: PeerSession["trace"] = (place) => {
    this.dues.trace = { _tag: "Trace", ...place }
    this.outbox.wake()
  }

  // What the reader hears.

  readonly message = (message: Message): Violation | undefined => {
    if (message._tag === "Bitfield") return this.takeBitfield(message.bytes)
    // A peer that begins with anything else holds nothing yet.
    if (this.inventory.unknown) this.begin(Bitfield.empty(this.inventory.pieceCount))
    switch (message._tag) {
      case "Choke":
        if (this.choked()) return undefined
        this.dues.mayAsk = false
        this.intake.forgetAll()
        this.news.add({ _tag: "Choked" })
        return undefined
      case "Unchoke":
        if (!this.choked()) return undefined
        this.dues.mayAsk = true
        this.outbox.wake()
        this.news.add({ _tag: "Unchoked" })
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

  readonly extension = (payload: Uint8Array): void => {
    const message = Extension.decode(payload)
    if (message?._tag === "Trace") return void (this.inside = message)
    if (message?._tag === "Wish") this.receipts.wish()
    else if (message === undefined || this.valve?.receipt(message) !== true) return
    this.outbox.wake()
  }

  readonly block = (block: Block): Uint8Array | "Skip" | "Wait" | undefined => this.intake.begin(block)

  readonly blockDone = (block: Block): void => this.intake.end(block)

  private takeBitfield(bytes: Uint8Array): Violation | undefined {
    const pieces = Bitfield.fromBytes(this.inventory.pieceCount, bytes)
    if (pieces === undefined || !this.inventory.unknown) return "BadBitfield"
    this.begin(pieces)
    return undefined
  }

  private begin(pieces: Bitfield.Bitfield): void {
    this.inventory.begin(pieces)
    this.outbox.wake()
    this.news.add({ _tag: "Held", pieces })
  }

  private takeHave(piece: PieceIndex): Violation | undefined {
    const isNews = this.inventory.takeHave(piece)
    if (typeof isNews === "string") return isNews
    if (!isNews) return undefined
    if (this.dues.owesInterest) this.outbox.wake()
    this.news.add({ _tag: "Have", piece })
    return undefined
  }

  private takeRequest(block: Block): Violation | undefined {
    const violation = this.uploads.check(block)
    if (violation !== undefined) return violation
    if (!this.inventory.mine.has(block.piece)) return "PieceNotHeld"
    // It was sent before our choke came to the peer, which knows by now that it has to ask again.
    if (!this.dues.mayBeAsked) return undefined
    this.outbox.wake()
    const refused = this.uploads.add(block)
    this.valve?.asked(this.uploads.size)
    return refused
  }

  // What the writer asks for.

  readonly setUnchoked = (unchoked: boolean): void => {
    this.dues.unchoked = unchoked
    this.outbox.wake()
  }

  readonly next = (): Uint8Array | undefined => {
    if (this.sending > 0) {
      this.intake.counts.sent += this.sending
      this.options.gate.sent(this.kind, this.sending)
      this.sending = 0
    }
    const { valve } = this
    if (valve?.isHalfway === true) return this.part(valve)
    const dues = this.dues.take(() => this.uploads.clear())
    if (dues !== undefined) return dues
    if (valve !== undefined && (this.uploads.size === 0 || !valve.mayBegin())) return undefined
    const answer = this.isReading ? undefined : this.uploads.next()
    if (answer === undefined) return undefined
    if (answer === "Unread") {
      this.isReading = true
      this.unread.call()
      return undefined
    }
    if (valve !== undefined) {
      valve.begin(answer.frame)
      return this.part(valve)
    }
    this.sending = answer.block.length
    return answer.frame
  }

  readonly left = (bytes: number): void => this.valve?.left(bytes)

  private part(valve: Valve): Uint8Array | undefined {
    const part = valve.part(this.receipts.isDue)
    this.sending = part?.content ?? 0
    return part?.bytes
  }

  /** Reads what is to be sent, forever. */
  private get readAnswers(): Effect.Effect<never, PeerError> {
    const { store } = this.options.served
    const readOne = Effect.suspend(() => {
      this.unread.reset()
      const lot = this.uploads.toRead()
      const read = lot === undefined ? Effect.void : store.read(lot.piece, lot.offset, lot.into)
      return Effect.map(read, () => {
        lot?.done()
        this.isReading = false
        this.outbox.wake()
      })
    })
    return Effect.forever(Effect.andThen(this.unread.wait, readOne)).pipe(
      // The peer was told that we hold the piece, and the protocol has no way to take that back but a new session.
      Effect.mapError((cause) => this.ending.error("Closed", undefined, cause))
    )
  }

  // How it ends.

  readonly refused = (violation: Violation, cause?: unknown): void =>
    this.over(this.ending.error("Protocol", violation, cause))

  readonly lost = (cause?: TransportError): void => this.over(this.ending.error("Closed", undefined, cause))

  readonly died = (defect: unknown): void => this.over(Effect.die(defect))

  private get watch(): Effect.Effect<never, PeerError> {
    const { bans, config, looksFrom, served, stream } = this.options
    return watch({
      config,
      looksFrom,
      counters: stream.counters,
      inFrame: () => this.reader.inFrame,
      heldBack: this.flow.isHeldBack,
      writing: () => this.outbox.isWriting || this.valve?.awaitsPeer === true,
      abandoned: () => this.intake.isAbandoned,
      isBanned: bans.isBanned({ device: deviceOf(this.peer), host: this.address.host }),
      held: served.store.held,
      // Pieces that came while nobody knew of this session are announced here.
      heldChanged: (held) => {
        for (const piece of Bitfield.pieces(this.inventory.mine.missingOf(held))) this.announce(piece)
      },
      looked: () => {
        const isOpen = this.intake.look(this.flow.isHeldBack())
        if (this.dues.hurry() || isOpen) this.outbox.wake()
      },
      keepAlive: () => {
        this.dues.keepAlive = true
        this.outbox.wake()
      }
    }).pipe(Effect.flatMap((reason) => this.ending.error(reason)))
  }

  /** Nothing more is said or heard; the rest follows, once whoever noticed has finished its step. */
  private over(why: Effect.Effect<never, PeerError>): void {
    this.outbox.stop()
    this.reader.stop()
    this.ending.begin(why)
  }

  /** Once; the fibers of the session have ended. */
  private finish(error: PeerError): void {
    if (this.ending.isOver) return
    this.outbox.stop()
    this.reader.stop()
    this.flow.close()
    this.options.slots.leave(this)
    const tell = this.intake.close()
    this.ending.complete(error, tell)
  }
}

const piecesOf = (run: PieceRun): ReadonlyArray<PieceIndex> =>
  Array.from({ length: run.count }, (_, i) => (run.first + i) as PieceIndex)
