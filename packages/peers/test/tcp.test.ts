import { createHash } from "node:crypto"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as CacheConfig from "@piecework/cache/CacheConfig"
import { PieceCache } from "@piecework/cache/PieceCache"
import { Bitfield, Peer } from "@piecework/domain"
import { BufferPool } from "@piecework/hashing/BufferPool"
import * as BufferPoolConfig from "@piecework/hashing/BufferPoolConfig"
import * as HasherConfig from "@piecework/hashing/HasherConfig"
import { PieceHasher } from "@piecework/hashing/PieceHasher"
import { Bans, PeerConfig, PeerHost } from "@piecework/peers"
import { Transport } from "@piecework/transport/Transport"
import { Context, Effect, Layer } from "effect"
import { at, contentOf, eventually } from "./support.ts"

const temporary = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "piecework-peers-"))),
  (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true }))
)

/** A client with its cache on the disk and its peers over TCP. */
const onDisk = Effect.gen(function* () {
  const directory = yield* temporary
  return yield* Layer.build(
    Layer.fresh(
      PeerHost.PeerHost.layer.pipe(
        Layer.provideMerge(PieceCache.layer),
        Layer.provide([
          Transport.layer,
          PeerConfig.layer({ host: "127.0.0.1", port: 0 }),
          Bans.Bans.layer,
          CacheConfig.layer({ directory }),
          PieceHasher.layer.pipe(Layer.provide(HasherConfig.layer()))
        ]),
        Layer.provideMerge(BufferPool.layer.pipe(Layer.provide(BufferPoolConfig.layer({ slots: 8 }))))
      )
    )
  )
})

describe("peers over TCP", () => {
  it.live("move a content of some MiB from disk to disk, byte for byte", () =>
    Effect.gen(function* () {
      const size = 20 * 1_048_576 + 12_345
      const content = contentOf(size, 3, 1_048_576)
      const { phf } = content
      const pieces = [...phf.layout.indices()]

      const from = yield* onDisk
      const seeded = yield* Context.get(from, PieceCache).open(phf)
      for (const n of pieces) yield* seeded.put(at(n), content.piece(n))
      const seeder = Context.get(from, PeerHost.PeerHost)
      yield* seeder.serve({ phf, store: seeded, onSession: () => Effect.void })

      const to = yield* onDisk
      const pool = Context.get(to, BufferPool)
      const store = yield* Context.get(to, PieceCache).open(phf)
      const peer = new Peer.Peer({ id: seeder.self, address: seeder.address, kind: "Lan" })
      const leecher = Context.get(to, PeerHost.PeerHost)
      const session = yield* leecher.connect(peer, { phf, store, onSession: () => Effect.void })
      assert.deepStrictEqual((yield* eventually(session, "Held")).pieces, Bitfield.full(phf.layout.pieceCount))

      yield* Effect.forEach(
        pieces,
        (n) =>
          session.fetch({ first: at(n), count: 1 }, phf.layout, (piece, buffer) =>
            store.put(piece, buffer.bytes).pipe(Effect.orDie, Effect.ensuring(Effect.sync(buffer.release)))
          ),
        { concurrency: 8 }
      )
      assert.deepStrictEqual(session.counters(), { received: size, sent: 0, wasted: 0 })
      assert.strictEqual(pool.available(), pool.capacity)

      const file = path.join(yield* temporary, "arrived")
      yield* store.export(file)
      const expected = createHash("sha256")
      for (const n of pieces) expected.update(content.piece(n))
      const arrived = fs.readFileSync(file)
      assert.strictEqual(arrived.length, size)
      assert.strictEqual(createHash("sha256").update(arrived).digest("hex"), expected.digest("hex"))
    })
  )
})
