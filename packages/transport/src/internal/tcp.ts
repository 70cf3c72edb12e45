/** Dialling and listening on this machine: `node:net` and `node:tls`. */
import type { PeerAddress } from "@piecework/domain/Peer"
import { Effect, FiberSet, type Scope } from "effect"
import * as Net from "node:net"
import * as Tls from "node:tls"
import { type ByteStream, TransportError } from "../ByteStream.ts"
import type { DialOptions, ListenOptions } from "../Transport.ts"
import { errorOf, observed } from "./faults.ts"
import { accept, addressOf, make, Receiver, type TcpStream } from "./TcpStream.ts"

const named = (host: string, port: number) => (host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`)

const socketTo = (options: DialOptions, receiver: Receiver): Net.Socket => {
  const { host, port, tls } = options
  const common = { host, port, allowHalfOpen: true, noDelay: true, onread: receiver.onread }
  if (tls === undefined) return Net.connect(common)
  const secure: Tls.ConnectionOptions = {
    ...common,
    ALPNProtocols: ["http/1.1"],
    checkServerIdentity: (_, certificate) => Tls.checkServerIdentity(tls.servername, certificate)
  }
  // An address is no server name: it is checked against the certificate, but not sent.
  if (Net.isIP(tls.servername) === 0) secure.servername = tls.servername
  if (tls.certificates !== undefined) secure.ca = [...tls.certificates]
  return Tls.connect(secure).setNoDelay(true)
}

const connect = (options: DialOptions): Effect.Effect<TcpStream, TransportError> =>
  Effect.callback((resume) => {
    const address = named(options.host, options.port)
    const receiver = new Receiver()
    const socket = socketTo(options, receiver)
    receiver.attach(socket)
    let connected = false
    const failed = (cause: Error) => {
      socket.destroy()
      // Past the TCP handshake only the TLS handshake can fail.
      const otherwise = connected && options.tls !== undefined ? "TlsFailed" : "Failed"
      resume(Effect.fail(errorOf("dial", address, cause, otherwise)))
    }
    socket.once("connect", () => {
      connected = true
    })
    socket.once("error", failed)
    socket.once(options.tls === undefined ? "connect" : "secureConnect", () => {
      const stream = make(socket, receiver)
      if (stream === undefined) return failed(Object.assign(new Error("reset"), { code: "ECONNRESET" }))
      socket.off("error", failed)
      resume(Effect.succeed(stream))
    })
    return Effect.sync(() => {
      socket.off("error", failed)
      socket.on("error", () => socket.destroy())
      socket.destroy()
    })
  })

export const dial = Effect.fn("Transport.dial")(function* (
  options: DialOptions
): Effect.fn.Return<ByteStream, TransportError, Scope.Scope> {
  const timedOut = new TransportError({
    operation: "dial",
    address: named(options.host, options.port),
    reason: "TimedOut"
  })
  const connected = Effect.acquireRelease(connect(options), (stream) => Effect.sync(stream.close), {
    interruptible: true
  })
  const duration = options.timeout ?? "15 seconds"
  return yield* Effect.timeoutOrElse(connected, { duration, orElse: () => Effect.fail(timedOut) })
})

/** `events` reads accepted sockets in the way that needs nothing but Node's manual. */
export const listen = Effect.fn("Transport.listen")(function* <R>(
  options: ListenOptions,
  handler: (stream: ByteStream) => Effect.Effect<void, never, R>,
  way: "handle" | "events" = "handle"
): Effect.fn.Return<PeerAddress, TransportError, R | Scope.Scope> {
  const address = named(options.host, options.port)
  const run = yield* FiberSet.makeRuntime<R>()
  const limit = options.maxConnections ?? Number.POSITIVE_INFINITY
  let open = 0

  const onConnection = (accepted: Net.Socket) => {
    if (open >= limit) return accepted.on("error", () => accepted.destroy()).destroy()
    const stream = accept(accepted, way)
    if (stream === undefined) return
    open++
    // Whatever becomes of the fiber, even if it never gets to start.
    run(observed(address, handler(stream))).addObserver(() => {
      open--
      stream.close()
    })
  }
  const start = Effect.callback<Net.Server, TransportError>((resume) => {
    const server = Net.createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, onConnection)
    server.once("error", (cause) => resume(Effect.fail(errorOf("listen", address, cause))))
    server.listen({ host: options.host, port: options.port, exclusive: true }, () => {
      server.removeAllListeners("error")
      server.on("error", (cause) => run(Effect.logWarning(`could not accept a connection at ${address}`, cause)))
      resume(Effect.succeed(server))
    })
    return Effect.sync(() => server.close())
  })
  const server = yield* Effect.acquireRelease(start, (started) => Effect.sync(() => started.close()), {
    interruptible: true
  })
  const bound = server.address()
  const own = typeof bound === "object" && bound !== null ? addressOf(bound.address, bound.port) : undefined
  return own ?? (yield* errorOf("listen", address, new Error("the server has no address")))
})
