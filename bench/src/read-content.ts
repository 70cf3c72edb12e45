/**
 * What reading a content while it arrives costs beside downloading it, as a process: `read-content.ts [MEBIBYTES] [TURNS]`. In turn, into
 * a new cache each time and from an origin on loopback that is a process of its own: `start` to its end, then `open().read()` to the last
 * byte, thrown away; then `open().read()` of what the cache has. One line of JSON with milliseconds and the ratio of each turn: what a
 * machine does from one minute to the next it does to both.
 */
import { spawn } from "node:child_process"
import { createHash, randomBytes } from "node:crypto"
import { once } from "node:events"
import { mkdir, mkdtemp, open, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { NodeServices } from "@effect/platform-node"
import { CacheConfig, PartialFile, PieceCache } from "@piecework/cache"
import * as ContentUrl from "@piecework/domain/ContentUrl"
import { PeerId } from "@piecework/domain/Peer"
import { Destination, DownloadConfig, Downloader, NoPeers, Records } from "@piecework/download"
import { BufferPool, BufferPoolConfig, HasherConfig, Phf, PieceHasher } from "@piecework/hashing"
import { Bans } from "@piecework/peers"
import { HttpClient, HttpClientConfig } from "@piecework/sources"
import * as Transport from "@piecework/transport/Transport"
import { Context, Effect, Layer, Result, type Scope, Stream } from "effect"

const mebibytes = Number(process.argv[2] ?? 1024)
const turns = Number(process.argv[3] ?? 3)
const pieceSize = 1_048_576
const size = mebibytes * pieceSize

const layersIn = (directory: string) =>
  Downloader.Downloader.layer.pipe(
    Layer.provide([
      Destination.Destination.layerAny,
      DownloadConfig.layer(),
      HttpClient.HttpClient.layer.pipe(Layer.provide([HttpClientConfig.layer(), Transport.Transport.layer])),
      NoPeers.layer(PeerId.make("0".repeat(40))),
      Bans.Bans.layer,
      Records.Records.layerMemory
    ]),
    Layer.provideMerge(BufferPool.BufferPool.layer.pipe(Layer.provide(BufferPoolConfig.layer()))),
    Layer.provideMerge(Layer.mergeAll(PieceCache.PieceCache.layer, PartialFile.PartialFiles.layer)),
    Layer.provide(CacheConfig.layer({ directory })),
    Layer.provide(PieceHasher.PieceHasher.layer.pipe(Layer.provide(HasherConfig.layer()))),
    Layer.provideMerge(NodeServices.layer)
  )

/** A file of random bytes and its hashes. */
const make = async (folder: string) => {
  const file = await open(join(folder, "file"), "w")
  const bytes = randomBytes(pieceSize)
  const digests = new Uint8Array(mebibytes * 32)
  for (let n = 0; n < mebibytes; n++) {
    bytes.writeUInt32LE(n)
    await file.write(bytes)
    digests.set(createHash("sha256").update(bytes).digest(), n * 32)
  }
  await file.close()
  const phf = Phf.make({ contentSize: size, pieceSize, digests })
  await writeFile(join(folder, "file.phf"), Phf.encode(phf))
  return phf
}

const root = await mkdtemp(join(tmpdir(), "read-content-"))
const files = join(root, "files")
await mkdir(files)
const phf = await make(files)
const origin = spawn(process.execPath, [join(import.meta.dirname, "fast-origin.ts"), files], {
  stdio: ["ignore", "pipe", "inherit"]
})

const timed = <A, E, R>(work: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const began = performance.now()
    yield* work
    return Math.round(performance.now() - began)
  })

/** Each with a cache of its own that is gone afterwards. */
const inNewCache = <A, E>(work: (downloader: Downloader.Downloader["Service"]) => Effect.Effect<A, E, Scope.Scope>) =>
  Effect.acquireUseRelease(
    Effect.promise(() => mkdtemp(join(root, "cache-"))),
    (directory) =>
      Effect.scoped(
        Effect.flatMap(Layer.build(Layer.fresh(layersIn(directory))), (services) =>
          work(Context.get(services, Downloader.Downloader))
        )
      ),
    (directory) => Effect.promise(() => rm(directory, { recursive: true }))
  )

const drain = (content: Downloader.OpenContent) =>
  Effect.map(
    Stream.runFold(
      content.read(),
      () => 0,
      (sum, chunk) => sum + chunk.length
    ),
    (bytes) => {
      if (bytes !== size) throw new Error(`${bytes} bytes were read`)
    }
  )

const measured = Effect.gen(function* () {
  const [line] = yield* Effect.promise(() => once(origin.stdout, "data"))
  const { listening } = JSON.parse(String(line)) as { readonly listening: string }
  const what = {
    url: Result.getOrThrow(ContentUrl.parse(`${listening}/file`)),
    contentId: phf.contentId,
    mode: "HttpOnly"
  } as const
  const results: Array<Record<string, number>> = []
  for (let n = 0; n < turns; n++) {
    const path = join(root, "copy")
    const download = yield* inNewCache((downloader) =>
      timed(Effect.flatMap(downloader.start({ ...what, path, link: true }), ({ result }) => result))
    )
    yield* Effect.promise(() => rm(path))
    const [reading, cached] = yield* inNewCache((downloader) =>
      Effect.gen(function* () {
        const first = yield* timed(Effect.flatMap(downloader.open(what), drain))
        return [first, yield* timed(Effect.flatMap(downloader.open(what), drain))] as const
      })
    )
    results.push({ download, reading, cached, ratio: Math.round((1000 * reading) / download) / 1000 })
  }
  process.stdout.write(`${JSON.stringify({ mebibytes, results })}\n`)
})

try {
  await Effect.runPromise(measured)
} finally {
  origin.kill()
  await rm(root, { recursive: true })
}
