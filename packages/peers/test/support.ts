/** Clients of a network in memory, and peers whose every byte a test writes itself. */
import { createHash } from "node:crypto"
import { it } from "@effect/vitest"
import type { CacheError } from "@piecework/cache/CacheError"
import { PieceCache } from "@piecework/cache/PieceCache"
import type { StoredContent } from "@piecework/cache/StoredContent"
import { Bitfield, Peer, PieceLayout } from "@piecework/domain"
import { BufferPool, type PieceBuffer } from "@piecework/hashing/BufferPool"
import * as BufferPoolConfig from "@piecework/hashing/BufferPoolConfig"
import * as Phf from "@piecework/hashing/Phf"
import type { PieceMismatch } from "@piecework/hashing/PieceHasher"
import { Bans, PeerConfig, PeerHost, type PeerSession } from "@piecework/peers"
import * as LivePolicy from "@piecework/policy/LivePolicy"
import * as Shaper from "@piecework/shaping/Shaper"
import { MemoryNetwork, type Options } from "@piecework/transport/MemoryNetwork"
import { Transport } from "@piecework/transport/Transport"
import { Context, Deferred, Effect, FileSystem, Layer, Queue, type Scope } from "effect"

export const pieceSize = 4096
export const blockSize = 1024
export const port = 7680

export const at = (n: number): PieceLayout.PieceIndex => PieceLayout.PieceIndex.make(n)

/** The id of the device whose hex digits are all `digit`. */
export const idOf = (digit: string): Peer.PeerId => Peer.PeerId.make(digit.repeat(40))

export interface TestContent {
  readonly phf: Phf.Phf
  readonly piece: (n: number) => Uint8Array
}

/** Bytes that differ everywhere. */
export const contentOf = (size: number, seed = 1, sizeOfPiece = pieceSize): TestContent => {
  const bytes = Uint8Array.from({ length: size }, (_, i) => (Math.imul(i + seed, 2_654_435_761) >>> 13) | 1)
  const layout = new PieceLayout.PieceLayout({ contentSize: size, pieceSize: sizeOfPiece })
  const piece = (n: number) => bytes.subarray(n * sizeOfPiece, (n + 1) * sizeOfPiece)
  const digests = new Uint8Array(layout.pieceCount * 32)
  for (const n of layout.indices()) digests.set(createHash("sha256").update(piece(n)).digest(), n * 32)
  return { piece, phf: Phf.make({ contentSize: size, pieceSize: sizeOfPiece, digests }) }
}

/** Ten pieces, the last one short by all but 100 bytes. */
export const content = contentOf(9 * pieceSize + 100)

export interface Client {
  readonly host: PeerHost.PeerHost["Service"]
  readonly bans: Bans.Bans["Service"]
  readonly pool: BufferPool["Service"]
  readonly store: StoredContent
  readonly served: PeerHost.Served
  /** The sessions that others dialled. */
  readonly incoming: Queue.Queue<PeerSession.PeerSession>
  /** How others reach it. */
  readonly peer: Peer.Peer
}

export interface ClientOptions {
  readonly id: Peer.PeerId
  readonly held?: ReadonlyArray<number> | "all"
  readonly content?: TestContent
  readonly config?: Partial<PeerConfig.PeerConfig["Service"]>
  /** Whether it lets peers in. Default: yes. */
  readonly serves?: boolean
  /** Settings whose limits hold for it. Default: none do. */
  readonly limits?: LivePolicy.LivePolicy
}

const shaperUnder = (limits: LivePolicy.LivePolicy) =>
  Shaper.layer().pipe(Layer.provide([Layer.succeed(LivePolicy.LivePolicy, limits), FileSystem.layerNoop({})]))

/** A client on a machine of its own. */
export const client = Effect.fnUntraced(function* (
  machine: string,
  { config, content: shared = content, held = [], id, limits, serves = true }: ClientOptions
) {
  const network = yield* MemoryNetwork
  const context = yield* Layer.build(
    Layer.fresh(
      PeerHost.PeerHost.layer.pipe(
        Layer.provideMerge(
          Layer.mergeAll(
            Layer.succeed(Transport, network.transport(machine)),
            PeerConfig.layer({ self: id, blockSize, port, ...config }),
            BufferPool.layer.pipe(
              Layer.provide(BufferPoolConfig.layer({ slots: 16, bufferSize: shared.phf.layout.pieceSize }))
            ),
            Bans.Bans.layer,
            PieceCache.layerMemory,
            limits === undefined ? Layer.empty : shaperUnder(limits)
          )
        )
      )
    )
  )
  const store = yield* Context.get(context, PieceCache).open(shared.phf)
  const pieces = held === "all" ? [...shared.phf.layout.indices()] : held
  for (const n of pieces) yield* store.put(at(n), shared.piece(n))
  const incoming = yield* Queue.unbounded<PeerSession.PeerSession>()
  const served: PeerHost.Served = {
    phf: shared.phf,
    store,
    onSession: (session) => Effect.andThen(Queue.offer(incoming, session), Effect.never)
  }
  const host = Context.get(context, PeerHost.PeerHost)
  if (serves) yield* host.serve(served)
  const peer = new Peer.Peer({ id, address: new Peer.PeerAddress({ host: machine, port }), kind: "Lan" })
  const made: Client = {
    host,
    bans: Context.get(context, Bans.Bans),
    pool: Context.get(context, BufferPool),
    store,
    served,
    incoming,
    peer
  }
  return made
})

/** A test in a network of its own, under the test's clock. */
export const inNetwork = (
  name: string,
  body: () => Generator<Effect.Effect<unknown, unknown, MemoryNetwork | Scope.Scope>, void, never>,
  options?: Options
) => it.effect(name, () => Effect.provide(Effect.gen(body), MemoryNetwork.layer(options)))

/** Two clients, of which the first holds everything, and the session that the second one dialled. */
export const pair = Effect.fnUntraced(function* (options?: {
  readonly seeder?: Partial<ClientOptions>
  readonly leecher?: Partial<ClientOptions>
}) {
  const seeder = yield* client("seeder", { id: idOf("a"), held: "all", ...options?.seeder })
  const leecher = yield* client("leecher", { id: idOf("b"), ...options?.leecher })
  const session = yield* leecher.host.connect(seeder.peer, leecher.served)
  return { seeder, leecher, session }
})

/** Fetches a piece once the peer has it, puts it into the store, and answers a copy of its bytes. */
export const fetchInto = (session: PeerSession.PeerSession, { served, store }: Client, n: number) =>
  Effect.gen(function* () {
    while (!Bitfield.has(session.held(), n)) yield* Effect.yieldNow
    const taken = yield* Deferred.make<Uint8Array, PieceMismatch | CacheError>()
    yield* session.fetch({ first: at(n), count: 1 }, served.phf.layout, (piece, buffer) =>
      store
        .put(piece, buffer.bytes)
        .pipe(
          Effect.as(buffer.bytes.slice(0, served.phf.layout.length(piece))),
          Effect.ensuring(Effect.sync(buffer.release)),
          Deferred.into(taken),
          Effect.asVoid
        )
    )
    return yield* Deferred.await(taken)
  })

/** Delivers nowhere. */
export const drop = (_piece: PieceLayout.PieceIndex, buffer: PieceBuffer) => Effect.sync(buffer.release)

/** Events that were taken from a session and not asked for yet. */
const taken = new WeakMap<PeerSession.PeerSession, Array<PeerSession.PeerEvent>>()

/** Waits for the next event of a session. */
export const nextEvent = Effect.fnUntraced(function* (session: PeerSession.PeerSession) {
  while (true) {
    const events = taken.get(session) ?? []
    events.push(...session.takeEvents())
    taken.set(session, events)
    const event = events.shift()
    if (event !== undefined) return event
    yield* Effect.callback<void>((resume) => session.listen(() => queueMicrotask(() => resume(Effect.void))))
  }
})

/** Drops the events up to the one with this tag. */
export const eventually = Effect.fnUntraced(function* <Tag extends PeerSession.PeerEvent["_tag"]>(
  session: PeerSession.PeerSession,
  tag: Tag
) {
  while (true) {
    const event = yield* nextEvent(session)
    if (event["_tag"] === tag) return event as Extract<PeerSession.PeerEvent, { readonly _tag: Tag }>
  }
})
