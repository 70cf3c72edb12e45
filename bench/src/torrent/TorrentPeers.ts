/**
 * Two of one BitTorrent client with one torrent: a seeder that has the file, started anew for each run and idle until it
 * has announced itself as complete, and a leecher, measured from its start until it has the file.
 */
import { existsSync } from "node:fs"
import { type AddressInfo, createServer } from "node:net"
import { networkInterfaces } from "node:os"
import { Clock, Effect, FileSystem, Path, Schedule } from "effect"
import * as Contest from "../Contest.ts"
import type { Options } from "../HttpContest.ts"
import { type Daemon, Meter, ProgramError } from "../Meter.ts"
import * as Torrent from "../Torrent.ts"
import * as Tracker from "../Tracker.ts"
import * as Workshop from "../Workshop.ts"
import type { Client, Place, Running } from "./Client.ts"
import { write } from "./settings.ts"

/** How long a seeder may take until it serves: enough for one that hashes its file first. */
const seederMillis = 60_000

export const contender = (options: Options, client: Client, version: string) => {
  const { file, limitMillis, root } = options
  const failed = (detail: string, cause?: unknown) =>
    new ProgramError({
      name: client.tool,
      reason: "NotStarted",
      detail,
      ...(cause === undefined ? {} : { cause })
    })
  const orFailed = Effect.mapError((cause: { readonly message: string }) => failed(cause.message, cause))

  const run = Effect.fnUntraced(function* () {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const host = client.shunsLoopback === true ? ownAddress() : "127.0.0.1"
    if (host === undefined) return yield* failed("it wants an address other than 127.0.0.1, and there is none")
    const folder = yield* Workshop.room(root, client.tool)
    const tracker = yield* Tracker.serve({ host, port: 0 }).pipe(orFailed)
    const name = path.basename(file.path)
    const torrent = path.join(folder, "file.torrent")
    const { bytes } = Torrent.make({ name, size: file.size, digests: file.pieceDigests, tracker: tracker.url })
    yield* write(torrent, bytes)

    /** A folder of settings and one for the file, for one end. */
    const place = Effect.fnUntraced(function* (role: Place["role"]) {
      const home = path.join(folder, role)
      const downloads = path.join(folder, `${role}-files`)
      yield* fs.makeDirectory(downloads).pipe(orFailed)
      const hook = path.join(home, "complete.sh")
      yield* write(hook, `#!/bin/sh\n: > '${markerOf(hook)}'\n`)
      yield* fs.chmod(hook, 0o755).pipe(orFailed)
      const made: Place = {
        role,
        torrent,
        downloads,
        folder: home,
        host,
        port: yield* freePort(client.tool),
        controlPort: yield* freePort(client.tool),
        hook
      }
      return made
    })

    const seeding = yield* place("seeder")
    // Under another name of the same file, so that what a client leaves beside it leaves with the run.
    yield* fs.link(file.path, path.join(seeding.downloads, name)).pipe(orFailed)
    const seeder = yield* start(yield* client.prepare(seeding))
    yield* Effect.sync(() => [...tracker.members().values()]).pipe(
      Effect.filterOrFail(
        (members) => members.some(({ left }) => left === 0),
        () => failed("the seeder did not announce itself")
      ),
      Effect.retry(Schedule.spaced("50 millis")),
      Effect.raceFirst(seeder.ended),
      Effect.timeoutOrElse({
        duration: seederMillis,
        orElse: () => Effect.fail(failed("the seeder did not announce itself"))
      })
    )

    const fetching = yield* place("leecher")
    const running = yield* client.prepare(fetching)
    const before = yield* seeder.usage
    const measured = yield* client.done === "Exit"
      ? Effect.flatMap(Meter, (meter) => meter.run(running.invocation, limitMillis))
      : untilHook(client.tool, running, fetching.hook, limitMillis)
    const after = yield* seeder.usage
    yield* Workshop.verify(client.tool, path.join(fetching.downloads, name), file)
    return Contest.sample(measured, before, after)
  }, Effect.scoped)
  return { name: `${client.tool}, peer to peer`, version, run }
}

const markerOf = (hook: string) => `${hook}.ran`

/** Starts a client and gives it its order. */
const start = Effect.fnUntraced(function* ({ invocation, order }: Running) {
  const meter = yield* Meter
  const daemon = yield* meter.start(invocation)
  if (order !== undefined) {
    yield* meter
      .run(order, 20_000)
      .pipe(
        Effect.retry(Schedule.spaced("100 millis").pipe(Schedule.upTo({ times: 100 }))),
        Effect.raceFirst(daemon.ended)
      )
  }
  return daemon
})

/** Measures a client that goes on when it has the file, until its hook has run; ends it then. */
const untilHook = (name: string, running: Running, hook: string, limitMillis: number) =>
  Effect.gen(function* () {
    const before = yield* Clock.currentTimeNanos
    const daemon: Daemon = yield* start(running)
    yield* Effect.sync(() => existsSync(markerOf(hook))).pipe(
      Effect.repeat({ until: (ran) => ran, schedule: Schedule.spaced("10 millis") }),
      Effect.raceFirst(daemon.ended)
    )
    const seconds = Number((yield* Clock.currentTimeNanos) - before) / 1e9
    return { seconds, usage: yield* daemon.usage, stdout: "" }
  }).pipe(
    Effect.timeoutOrElse({
      duration: limitMillis,
      orElse: () => Effect.fail(new ProgramError({ name, reason: "TimedOut", detail: "" }))
    }),
    Effect.scoped
  )

/** An IPv4 address of this machine that is not on loopback. Between two programs of one machine it is loopback all the same. */
const ownAddress = (): string | undefined =>
  Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === "IPv4" && !internal)?.address

/** A port that was free a moment ago: most clients take no 0. */
const freePort = (name: string): Effect.Effect<number, ProgramError> =>
  Effect.callback((resume) => {
    const server = createServer()
    server.once("error", (cause) =>
      resume(Effect.fail(new ProgramError({ name, reason: "NotStarted", detail: "no free port", cause })))
    )
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resume(Effect.succeed(port)))
    })
  })
