/** Two aria2c with one torrent: BitTorrent without encryption, DHT, peer exchange or local discovery. */
import { Effect, FileSystem, Path, Schedule } from "effect"
import { type AddressInfo, createServer } from "node:net"
import * as Apps from "./Apps.ts"
import * as Contest from "./Contest.ts"
import type { Options } from "./HttpContest.ts"
import { Meter, ProgramError } from "./Meter.ts"
import * as Torrent from "./Torrent.ts"
import * as Tracker from "./Tracker.ts"
import * as Workshop from "./Workshop.ts"

const failed = (detail: string, cause?: unknown) =>
  new ProgramError({ name: "aria2c", reason: "NotStarted", detail, ...(cause === undefined ? {} : { cause }) })

/** A tracker of our own, a torrent of the file, and an aria2c that serves it from where it lies. */
export const contender = Effect.fnUntraced(function* (options: Options, version: string) {
  const { root, file, limitMillis } = options
  const meter = yield* Meter
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path

  const tracker = yield* Tracker.serve().pipe(Effect.mapError((cause) => failed(cause.message, cause)))
  const { bytes } = Torrent.make({
    name: path.basename(file.path),
    size: file.size,
    digests: file.pieceDigests,
    tracker: tracker.url
  })
  const torrent = path.join(root, "file.torrent")
  yield* fs.writeFile(torrent, bytes).pipe(Effect.mapError((cause) => failed(cause.message, cause)))
  const seeder = yield* meter.start(Apps.aria2Seeder(torrent, path.dirname(file.path), yield* freePort))
  yield* Effect.sync(() => tracker.members().size).pipe(
    Effect.filterOrFail(
      (members) => members > 0,
      () => failed("the seeder did not announce itself")
    ),
    Effect.retry(Schedule.spaced("100 millis").pipe(Schedule.upTo({ times: 300 })))
  )

  const run = Effect.fnUntraced(function* () {
    const folder = yield* Workshop.room(root, "aria2c")
    const invocation = Apps.aria2Leecher(torrent, folder, yield* freePort)
    const before = yield* seeder.usage
    const measured = yield* meter.run(invocation, limitMillis)
    const after = yield* seeder.usage
    yield* Workshop.verify("aria2c", path.join(folder, path.basename(file.path)), file)
    return Contest.sample(measured, before, after)
  }, Effect.scoped)
  return { name: "aria2c, peer to peer", version, run }
})

/** A port that was free a moment ago: aria2c takes no 0. */
const freePort: Effect.Effect<number, ProgramError> = Effect.callback((resume) => {
  const server = createServer()
  server.once("error", (cause) =>
    resume(Effect.fail(new ProgramError({ name: "aria2c", reason: "NotStarted", detail: "no free port", cause })))
  )
  server.listen(0, "127.0.0.1", () => {
    const { port } = server.address() as AddressInfo
    server.close(() => resume(Effect.succeed(port)))
  })
})
