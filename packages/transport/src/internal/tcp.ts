/** Dialling and listening on this machine: `node:net` and `node:tls`. */
import * as Patience from "@piecework/domain/Patience"
import type { PeerAddress } from "@piecework/domain/Peer"
import { Effect, FiberSet, type Scope } from "effect"
import * as Dns from "node:dns"
import * as Net from "node:net"
import * as Tls from "node:tls"
import { type ByteStream, TransportError } from "../ByteStream.ts"
import type { DialOptions, ListenOptions, Through } from "../Transport.ts"
import { errorOf, observed } from "./faults.ts"
import { accept, addressOf, make, Receiver, type TcpStream } from "./TcpStream.ts"

const named = (host: string, port: number) => (host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`)

const socketTo = (options: DialOptions, receiver: Receiver, through: Net.Socket | undefined): Net.Socket => {
  const { tls } = options
  const common = { ...placeOf(options), onread: receiver.onread }
  if (tls === undefined) return Net.connect(common)
  const secure: Tls.ConnectionOptions = {
    ...(through === undefined ? common : { socket: through, allowHalfOpen: true }),
    ALPNProtocols: ["http/1.1"],
    checkServerIdentity: (_, certificate) => Tls.checkServerIdentity(tls.servername, certificate)
  }
  // An address is no server name: it is checked against the certificate, but not sent.
  if (Net.isIP(tls.servername) === 0) secure.servername = tls.servername
  if (tls.certificates !== undefined) secure.ca = [...tls.certificates]
  return Tls.connect(secure).setNoDelay(true)
}

const placeOf = ({ bars, host, port }: DialOptions) => ({
  host,
  port,
  allowHalfOpen: true,
  noDelay: true,
  ...(bars === undefined ? {} : { lookup: lookupWithout(bars) })
})

/** Looks names up and leaves out what is barred, so that nothing is sent there. */
const lookupWithout =
  (bars: (address: string) => boolean): Net.LookupFunction =>
  (host, options, callback) => {
    Dns.lookup(host, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, [])
      const left = found.filter(({ address }) => !bars(address))
      const [first] = left
      if (first === undefined) return callback(new Barred(), [])
      return options.all === true ? callback(null, left) : callback(null, first.address, first.family)
    })
  }

/** The name has barred addresses only. */
class Barred extends Error {
  readonly code = "ERR_BARRED"
}

/** Longest answer of a server in between, in bytes. */
const longestAnswer = 16_384

/** A connection with a server that lets what follows through to where it was asked to. */
const openThrough = (options: DialOptions, through: Through): Effect.Effect<Net.Socket, TransportError> =>
  Effect.callback((resume) => {
    const address = named(options.host, options.port)
    const socket = Net.connect(placeOf(options))
    let answer = ""
    const refused = (why: string) => failed(Object.assign(new Error(why), { code: "ERR_NOT_LET_THROUGH" }))
    const failed = (cause: Error) => {
      forget()
      resume(Effect.fail(errorOf("dial", address, cause)))
    }
    const onEnd = () => refused("it ended the connection")
    const onData = (bytes: Buffer) => {
      answer += bytes.toString("latin1")
      const end = answer.indexOf("\r\n\r\n")
      if (end < 0) return answer.length > longestAnswer ? refused("its answer is too long") : undefined
      // The other side has nothing to say before we do, so what comes with the answer is not its.
      if (end + 4 !== answer.length) return refused("its answer goes on after its end")
      if (!through.accepts(answer)) return refused(answer.slice(0, answer.indexOf("\r\n")).slice(0, 120))
      socket.off("data", onData).off("end", onEnd).off("error", failed)
      socket.pause()
      return resume(Effect.succeed(socket))
    }
    const forget = () => {
      socket.off("data", onData).off("end", onEnd).off("error", failed)
      socket.on("error", () => socket.destroy())
      socket.destroy()
    }
    socket.once("error", failed)
    socket.once("end", onEnd)
    socket.on("data", onData)
    socket.once("connect", () => socket.write(through.request))
    return Effect.sync(forget)
  })

const connect = (options: DialOptions, through: Net.Socket | undefined): Effect.Effect<TcpStream, TransportError> =>
  Effect.callback((resume) => {
    const address = named(options.host, options.port)
    const receiver = new Receiver()
    const socket = socketTo(options, receiver, through)
    // Over another socket Node's TLS does not read into memory that it is given.
    if (through === undefined) receiver.attach(socket)
    let connected = through !== undefined
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
      if (through !== undefined) receiver.listen(socket)
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
  const through = options.tls?.through
  const connected = Effect.gen(function* () {
    // An address is looked up by nobody.
    if (options.bars?.(options.host) === true) return yield* errorOf("dial", timedOut.address, new Barred())
    const opened =
      through === undefined
        ? undefined
        : yield* Effect.acquireRelease(openThrough(options, through), (socket) => Effect.sync(() => socket.destroy()), {
            interruptible: true
          })
    return yield* Effect.acquireRelease(connect(options, opened), (stream) => Effect.sync(stream.close), {
      interruptible: true
    })
  })
  const duration = options.timeout ?? "15 seconds"
  return yield* Patience.timeoutOrElse({ duration, orElse: () => Effect.fail(timedOut) })(connected)
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
