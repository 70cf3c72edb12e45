/**
 * The agent's socket: each connection carries calls or bytes, which its first byte says. All that a program decides is bounded: how many connections
 * there are, how long one may say nothing, how long what it says is, how many calls are under way.
 */
import { createServer, type Server } from "node:net"
import type { Duplex } from "node:stream"
import { socketName } from "@piecework/client/AgentPlace"
import { AgentRpcs } from "@piecework/client/AgentRpcs"
import * as AgentWire from "@piecework/client/AgentWire"
import * as ByteFrames from "@piecework/client/ByteFrames"
import * as DuplexSocket from "@piecework/client/DuplexSocket"
import type { PieceCache } from "@piecework/cache/PieceCache"
import type { Downloader } from "@piecework/download/Downloader"
import type { Months } from "@piecework/download/Months"
import type { Records } from "@piecework/download/Records"
import type { Jobs } from "@piecework/jobs/Jobs"
import { Cause, Context, Deferred, Effect, FiberSet, Layer, Option, type Scope } from "effect"
import { NetAddress } from "effect/net"
import { RpcSerialization, RpcServer } from "effect/rpc"
import { type Socket, SocketServer } from "effect/socket"
import * as AgentHandlers from "./AgentHandlers.ts"
import { OpenReads } from "./OpenReads.ts"
import * as SocketFile from "@piecework/device/SocketFile"

/** Most connections at once, so that programs that hang take only so much. */
export const maxConnections = 256

/** How long a connection may be there before it says what it is for. */
const firstWithin = "10 seconds"

export interface AgentServerOptions extends AgentHandlers.Setting {
  readonly path: string
  /** Who may give jobs. */
  readonly users: "own" | "all"
}

/** Serves until the scope closes. */
export const serve = Effect.fn("AgentServer.serve")(function* (options: AgentServerOptions) {
  const attend = yield* attendant(options)
  const run = yield* FiberSet.makeRuntime<never>()
  const server = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const made = createServer((connection) => {
        // Whoever reads hears of it as an end.
        connection.on("error", () => undefined)
        run(attend(connection))
      })
      made.maxConnections = maxConnections
      return made
    }),
    close
  )
  yield* SocketFile.listen(server, options.path, SocketFile.rights[options.users])
})

/** Does not wait for connections: those who attend to them end with the scope. */
const close = (server: Server): Effect.Effect<void> => Effect.sync(() => void server.close())

type Attend = (duplex: Duplex) => Effect.Effect<void>

/** What is done with a connection of any kind; it is over when the effect is. */
export const attendant = Effect.fnUntraced(function* (
  setting: AgentHandlers.Setting
): Effect.fn.Return<Attend, never, Downloader | Jobs | Months | PieceCache | Records | Scope.Scope> {
  const ready = yield* Deferred.make<(socket: Socket.Socket) => Effect.Effect<void>>()
  const server = SocketServer.SocketServer.of({
    address: NetAddress.unixPathAddress(socketName),
    run: <R, E, A>(handler: (socket: Socket.Socket) => Effect.Effect<A, E, R>) =>
      Effect.gen(function* () {
        const context = yield* Effect.context<R>()
        yield* Deferred.succeed(ready, (socket) =>
          handler(socket).pipe(
            Effect.provideContext(context),
            Effect.catchCause((cause) => Effect.logDebug("A connection to the agent ended badly.", cause)),
            Effect.asVoid
          )
        )
        return yield* Effect.never
      })
  })
  const reads = yield* Layer.build(Layer.fresh(OpenReads.layer))
  // Fresh, since another server of this process has other connections.
  const calls = Layer.fresh(
    RpcServer.layer(AgentRpcs, { disableFatalDefects: true, disableTracing: true }).pipe(
      Layer.provide(AgentHandlers.layer(setting)),
      Layer.provide(RpcServer.layerProtocolSocketServer),
      Layer.provide([
        Layer.succeed(SocketServer.SocketServer, server),
        Layer.succeed(RpcSerialization.RpcSerialization, AgentWire.ofAgent),
        Layer.succeedContext(reads)
      ])
    )
  )
  yield* Layer.build(calls)
  const call = yield* Deferred.await(ready)
  const open = Context.get(reads, OpenReads)
  return (duplex) =>
    Effect.gen(function* () {
      const first = Option.getOrUndefined(yield* Effect.timeoutOption(beginning(duplex), firstWithin))
      if (first === "Calls") yield* call(DuplexSocket.of(duplex))
      else if (first !== undefined) yield* open.send(duplex, first)
    }).pipe(
      Effect.catchCause((cause) =>
        Cause.hasInterruptsOnly(cause)
          ? Effect.interrupt
          : Effect.logError("A connection to the agent broke down.", cause)
      ),
      Effect.ensuring(Effect.sync(() => duplex.destroy()))
    )
})

/** What a connection is for; `undefined` for nothing that is known here. */
const beginning = (duplex: Duplex): Effect.Effect<"Calls" | ByteFrames.ReadRequest | undefined> =>
  Effect.gen(function* () {
    const pull = yield* DuplexSocket.pull(duplex)
    let line = ""
    while (line.length <= ByteFrames.longestRequest) {
      const [chunk] = yield* pull
      if (line === "" && chunk[0] === AgentWire.firstOfCalls) {
        duplex.unshift(chunk)
        return "Calls" as const
      }
      line += Buffer.from(chunk.subarray(0, ByteFrames.longestRequest + 1)).toString("latin1")
      if (line.includes("\n")) return ByteFrames.decodeRequest(line.slice(0, line.indexOf("\n")))
    }
    return undefined
  }).pipe(
    Effect.scoped,
    Effect.catch(() => Effect.succeed(undefined))
  )
