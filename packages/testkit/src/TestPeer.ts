/**
 * A peer that speaks the protocol over any `Transport` and lies in it: it claims to hold every piece and answers
 * requests with bytes that somebody chooses. Real sockets or a network in memory, as the transport is.
 */
import * as Bitfield from "@piecework/domain/Bitfield"
import type { PeerAddress, PeerId } from "@piecework/domain/Peer"
import type { PieceLayout } from "@piecework/domain/PieceLayout"
import type { Digest } from "@piecework/domain/Digest"
import type { ByteStream, TransportError } from "@piecework/transport/ByteStream"
import { Transport } from "@piecework/transport/Transport"
import { Codec, Handshake, Message } from "@piecework/wire"
import { type Duration, Effect, Result, type Scope } from "effect"

export interface TestPeerOptions {
  readonly host: string
  readonly port: number
  readonly id: PeerId
  readonly swarm: Digest
  readonly layout: PieceLayout
  /** The bytes it answers with; of the length that was asked for, or of another one. */
  readonly answer: (block: Message.Block) => Uint8Array
  /** How long it waits before each answer. Default 0. */
  readonly delay?: Duration.Input | undefined
  /** What it sends in place of its bitfield and everything after it. */
  readonly opening?: Uint8Array | undefined
}

export interface TestPeer {
  readonly address: PeerAddress
  /** Blocks that were asked of it. */
  readonly asked: () => ReadonlyArray<Message.Block>
  /** Connections that it took so far. */
  readonly connections: () => number
}

export const make = Effect.fn("TestPeer.make")(function* (
  options: TestPeerOptions
): Effect.fn.Return<TestPeer, TransportError, Scope.Scope | Transport> {
  const transport = yield* Transport
  const asked: Array<Message.Block> = []
  let connections = 0

  const serve = (stream: ByteStream) =>
    Effect.gen(function* () {
      connections++
      const greeting = new Uint8Array(Handshake.byteLength)
      if ((yield* stream.fill(greeting)) < greeting.length) return
      yield* stream.write([Handshake.encode({ swarm: options.swarm, peer: options.id })])
      const all = Bitfield.full(options.layout.pieceCount)
      yield* stream.write(
        options.opening === undefined
          ? [Codec.encode({ _tag: "Bitfield", bytes: all.bytes }), Codec.encode({ _tag: "Unchoke" })]
          : [options.opening]
      )
      while (true) {
        const header = new Uint8Array(4)
        if ((yield* stream.fill(header)) < header.length) return
        const length = new DataView(header.buffer).getUint32(0)
        const frame = new Uint8Array(length)
        if (length === 0) continue
        if ((yield* stream.fill(frame)) < length) return
        const message = Codec.decode(frame[0] ?? 0, frame.subarray(1))
        if (Result.isFailure(message) || message.success._tag !== "Request") continue
        const { piece, offset, length: wanted } = message.success
        const block = { piece, offset, length: wanted }
        asked.push(block)
        if (options.delay !== undefined) yield* Effect.sleep(options.delay)
        const data = options.answer(block)
        yield* stream.write([Codec.encode({ _tag: "Piece", piece, offset, length: data.length }), data])
      }
    }).pipe(Effect.catchTag("TransportError", () => Effect.void))

  const address = yield* transport.listen({ host: options.host, port: options.port }, serve)
  return { address, asked: () => asked, connections: () => connections }
})
