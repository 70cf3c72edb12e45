/** Peers whose every byte a test writes itself. */
import { Bitfield, Peer } from "@piecework/domain"
import type { ByteStream } from "@piecework/transport/ByteStream"
import { MemoryNetwork } from "@piecework/transport/MemoryNetwork"
import { Codec, Handshake, type Message } from "@piecework/wire"
import { Deferred, Effect, Result } from "effect"
import { at, type Client, content, port, type TestContent } from "./support.ts"

/** What a raw peer reads: a message, with the data of a block or an extension. */
export type Heard = Message.Message & { readonly data?: Uint8Array }

export interface RawPeer {
  readonly stream: ByteStream
  /** Sends messages, and bytes as they are, so that they arrive at once. */
  readonly send: (...parts: ReadonlyArray<Message.Message | Uint8Array>) => Effect.Effect<void>
  /** The next message. */
  readonly next: Effect.Effect<Heard>
  /** Drops messages up to one with this tag. */
  readonly until: <Tag extends Heard["_tag"]>(
    tag: Tag
  ) => Effect.Effect<Extract<Message.Message, { readonly _tag: Tag }> & { readonly data?: Uint8Array }>
  /** Reads to the end and answers how many bytes came. */
  readonly toEnd: Effect.Effect<number>
}

const read = (stream: ByteStream, target: Uint8Array, atLeast?: number) => stream.fill(target, atLeast)

const rawPeer = (stream: ByteStream): RawPeer => {
  const exactly = Effect.fnUntraced(function* (length: number) {
    const bytes = new Uint8Array(length)
    if (length > 0 && (yield* read(stream, bytes)) < length) return yield* Effect.die(new Error("the stream has ended"))
    return bytes
  }, Effect.orDie)
  const next: RawPeer["next"] = Effect.gen(function* () {
    const { length } = Result.getOrThrow(Codec.decodeHeader(yield* exactly(4)))
    if (length === 0) return { _tag: "KeepAlive" }
    const frame = yield* exactly(length)
    const message = Result.getOrThrow(Codec.decode(frame[0] ?? -1, frame.subarray(1)))
    const behind = message["_tag"] === "Piece" ? 9 : message["_tag"] === "Extension" ? 1 : undefined
    return behind === undefined ? message : { ...message, data: frame.subarray(behind) }
  })
  return {
    stream,
    send: (...parts) =>
      Effect.orDie(
        stream.write([Buffer.concat(parts.map((part) => (part instanceof Uint8Array ? part : Codec.encode(part))))])
      ),
    next,
    until: <Tag extends Heard["_tag"]>(tag: Tag) =>
      Effect.gen(function* () {
        while (true) {
          const message = yield* next
          if (message["_tag"] === tag) return message as Extract<Heard, { readonly _tag: Tag }>
        }
      }),
    toEnd: Effect.gen(function* () {
      const bytes = new Uint8Array(65_536)
      let total = 0
      while (true) {
        // A stream that is broken off has ended as well.
        const length = yield* Effect.orElseSucceed(read(stream, bytes, 1), () => 0)
        if (length === 0) return total
        total += length
      }
    })
  }
}

export interface RawOptions {
  readonly id: Peer.PeerId
  /** The swarm it asks for. Default: that of `content`. */
  readonly content?: TestContent
  /** Its machine. Default "raw". */
  readonly machine?: string
  /** How near it says that the client is, or is said to be itself. Default: nothing, and of the site. */
  readonly kind?: Peer.PeerKind
}

/** Dials a client without a word. */
export const rawDial = Effect.fnUntraced(function* (to: Client, machine = "raw") {
  const network = yield* MemoryNetwork
  return rawPeer(yield* Effect.orDie(network.transport(machine).dial({ host: to.peer.address.host, port })))
})

/** Dials a client, and has its handshake and bitfield behind it. */
export const rawSession = Effect.fnUntraced(function* (
  to: Client,
  { content: shared = content, id, kind, machine }: RawOptions
) {
  const raw = yield* rawDial(to, machine)
  yield* raw.send(Handshake.encode({ swarm: shared.phf.hashOfHashes, peer: id, kind }))
  yield* Effect.orDie(read(raw.stream, new Uint8Array(Handshake.byteLength)))
  const bitfield = yield* raw.until("Bitfield")
  return { ...raw, bitfield: bitfield.bytes }
})

/**
 * A raw peer that a client has dialled: answers the handshake, says that it holds everything or nothing, and gives the
 * client's session along with it.
 */
export const rawDialled = Effect.fnUntraced(function* (
  by: Client,
  {
    content: shared = content,
    held = "all",
    id,
    kind = "Lan",
    machine = "raw"
  }: RawOptions & { readonly held?: "all" | "none" }
) {
  const network = yield* MemoryNetwork
  const arrived = yield* Deferred.make<ByteStream>()
  yield* Effect.orDie(
    network
      .transport(machine)
      .listen({ host: machine, port }, (stream) => Effect.andThen(Deferred.succeed(arrived, stream), Effect.never))
  )
  const answer = Effect.gen(function* () {
    const raw = rawPeer(yield* Deferred.await(arrived))
    yield* Effect.orDie(read(raw.stream, new Uint8Array(Handshake.byteLength)))
    yield* raw.send(Handshake.encode({ swarm: shared.phf.hashOfHashes, peer: id }))
    yield* raw.until("Bitfield")
    const { pieceCount } = shared.phf.layout
    const pieces = held === "all" ? Bitfield.full(pieceCount) : Bitfield.empty(pieceCount)
    yield* raw.send({ _tag: "Bitfield", bytes: pieces.bytes })
    return raw
  })
  const peer = new Peer.Peer({ id, address: new Peer.PeerAddress({ host: machine, port }), kind })
  const [session, raw] = yield* Effect.all([by.host.connect(peer, by.served), answer], { concurrency: 2 })
  return { session, raw, peer }
})

/** The answer to a request: the frame with its data. */
export const answerTo = (asked: Message.Block, shared: TestContent = content): Uint8Array =>
  Buffer.concat([
    Codec.encode({ _tag: "Piece", piece: asked.piece, offset: asked.offset, length: asked.length }),
    shared.piece(asked.piece).subarray(asked.offset, asked.offset + asked.length)
  ])

export const block = (piece: number, offset: number, length: number): Message.Block => ({
  piece: at(piece),
  offset,
  length
})
