/**
 * Many clients that read slowly, each another part of a file that is not kept yet: how much memory the cache server takes for them,
 * and whether each gets its part in the end.
 */
import { Effect, Fiber, Path, Schedule, Schema } from "effect"
import * as Apps from "../Apps.ts"
import { type Use, useOf } from "../Family.ts"
import { announcement, Meter, ProgramError } from "../Meter.ts"
import * as TestFile from "../TestFile.ts"
import * as Folders from "./Folders.ts"
import * as FreePort from "./FreePort.ts"
import { ask, authority } from "./Requests.ts"
import type { Server } from "./Servers.ts"
import * as Timed from "./Timed.ts"

export const SlowResult = Schema.Struct({
  server: Schema.String,
  connections: Schema.Natural,
  bytes: Schema.Natural,
  partBytes: Schema.Natural,
  /** Resident memory of the server: after one request, the most that was while all read, and behind the last. */
  before: Schema.Finite,
  during: Schema.Finite,
  after: Schema.Finite,
  /** What one more connection took, at the most. */
  bytesPerConnection: Schema.Finite,
  /** Readers that had a first byte; that got all of their part; that got other bytes. */
  firstBytes: Schema.Natural,
  whole: Schema.Natural,
  wrong: Schema.Natural,
  seconds: Schema.Finite,
  withinTarget: Schema.Boolean
})
export interface SlowResult extends Schema.Schema.Type<typeof SlowResult> {}

export interface Given {
  readonly bytes: number
  readonly connections: number
  readonly root: string
  readonly keep: boolean
  readonly limitSeconds: number
}

const OriginReady = Schema.Struct({ listening: Schema.String })

const Heard = Schema.fromJsonString(
  Schema.Struct({
    connections: Schema.Natural,
    firstBytes: Schema.Natural,
    whole: Schema.Natural,
    wrong: Schema.Natural
  })
)

/** More than the system keeps for a connection that nobody reads from, so that the server has to wait. */
const partBytes = 4 * 1_048_576
const slowSeconds = 8

export const measure = Effect.fn("Slow.measure")(function* (server: Server, given: Given) {
  const path = yield* Path.Path
  const meter = yield* Meter
  const file = yield* TestFile.make(path.join(given.root, `slow-by-${server.name}`), given.bytes)
  const host = "127.0.0.1"
  const listening = (invocation: ReturnType<typeof Apps.origin>) =>
    Effect.flatMap(meter.start(invocation), (daemon) => announcement(daemon, OriginReady))
  const origin = { host, port: Number(new URL((yield* listening(Apps.origin(file.path))).listening).port) }
  const port = yield* FreePort.find
  const folder = yield* Folders.make(given.root, `slow-${server.name}`, given.keep)
  const daemon = yield* server.start({
    inside: (invocation) => invocation,
    host,
    port,
    folder,
    origin,
    service: undefined
  })

  const limitMillis = given.limitSeconds * 1000
  const address = authority(host, port)
  const name = authority(origin.host, origin.port)
  const part = (of: string) =>
    Timed.run(Timed.curl([ask("host", address, name, of)], "/dev/null", "0-1023"), 1024, limitMillis)
  yield* part("/before")
  const use = Effect.suspend(() => {
    const known = useOf(daemon.pid)
    return known === undefined
      ? new ProgramError({ name: server.name, reason: "Failed", detail: "it has ended" })
      : Effect.succeed(known)
  })
  const before = yield* use
  let most: Use = before
  const watching = yield* Effect.forkScoped(
    Effect.repeat(
      Effect.map(use, (now) => {
        if (now.rssBytes > most.rssBytes) most = now
      }),
      Schedule.spaced("100 millis")
    )
  )
  const readers = Apps.slowReaders([
    host,
    String(port),
    "/slow",
    name,
    file.path,
    ...[given.connections, partBytes, slowSeconds].map(String)
  ])
  const { seconds, stdout } = yield* meter.run(readers, limitMillis)
  yield* Fiber.interrupt(watching)
  const heard = yield* Schema.decodeUnknownEffect(Heard)(stdout.trim()).pipe(
    Effect.mapError(
      (cause) => new ProgramError({ name: "readers", reason: "Unintelligible", detail: stdout.slice(0, 200), cause })
    )
  )
  // Still there, and answering.
  yield* part("/after")
  const after = yield* use
  return {
    server: server.name,
    bytes: given.bytes,
    partBytes,
    ...heard,
    before: before.rssBytes,
    during: most.rssBytes,
    after: after.rssBytes,
    bytesPerConnection: Math.round((most.rssBytes - before.rssBytes) / given.connections),
    seconds: Number(seconds.toFixed(2)),
    withinTarget: heard.whole === given.connections
  } satisfies SlowResult
}, Effect.scoped)
