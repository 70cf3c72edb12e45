/**
 * The REST interface on a TCP port of this machine: existing programs of the Linux agent find it by its port file and speak to it as to that
 * agent. It is bounded in everything that a caller decides, and no web page can reach it: browsers say where a request comes from, and
 * by which name. Source: spec.md §3.4.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { type AddressInfo, BlockList, isIPv6, type Socket } from "node:net"
import * as JobError from "@piecework/jobs/JobError"
import type { Jobs } from "@piecework/jobs/Jobs"
import { Effect, FiberSet, Schema, type Scope } from "effect"
import { version } from "../version.ts"
import { AdminFile } from "./AdminFile.ts"
import * as CallerUser from "./CallerUser.ts"
import * as RestAnswer from "./RestAnswer.ts"
import * as RestApi from "./RestApi.ts"
import * as RestRequest from "./RestRequest.ts"

/** A range that all systems leave to programs. Source: spec.md §3.4. */
export const ports = { first: 50_000, last: 60_999 } as const

export class RestServerError extends Schema.TaggedError<RestServerError>()("RestServerError", {
  host: Schema.String,
  code: Schema.String
}) {
  override get message(): string {
    return this.code === "EADDRINUSE"
      ? `No port from ${ports.first} to ${ports.last} is free on ${this.host} for the REST interface; --no-rest goes without.`
      : `The REST interface cannot listen on ${this.host} (${this.code}); --no-rest goes without.`
  }
}

export interface RestServerOptions {
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string | undefined
  /** Who may give jobs: the user as whom this runs and root, or all users of this machine. Default all. */
  readonly users?: "own" | "all" | undefined
  /** Ports to try. Default `ports`. */
  readonly ports?: { readonly first: number; readonly last: number } | undefined
}

/** Most connections at once, so that programs that hang take only so much. */
const maxConnections = 128

/** Answers the port. It serves until the scope closes. */
export const serve = Effect.fn("RestServer.serve")(function* (
  options: RestServerOptions = {}
): Effect.fn.Return<number, RestServerError, Jobs | AdminFile | Scope.Scope> {
  const { host = "127.0.0.1", ports: range = ports, users = "all" } = options
  const admin = yield* AdminFile
  const run = yield* FiberSet.makeRuntime<Jobs>()

  // Whose connections are not answered.
  const strangers = new WeakSet<object>()
  // Sockets on which an answer is still to come.
  const busy = new WeakSet<object>()

  const respond = (request: IncomingMessage, response: ServerResponse): void => {
    busy.add(request.socket)
    response.once("finish", () => busy.delete(request.socket))
    if (strangers.has(request.socket)) return send(response, RestAnswer.failure(JobError.code("AccessDenied")))
    if (isFromPage(request) || (admin.current().validateRemoteAddr && !isLocal(request))) {
      return send(response, RestAnswer.failure(JobError.code("InvalidArgument")))
    }
    body(request, (text) => {
      if (text === undefined) {
        // The rest of it is not read, so nothing else can be asked on this connection.
        response.shouldKeepAlive = false
        return send(response, RestAnswer.failure(JobError.code("InvalidArgument")))
      }
      const asked = RestRequest.parse(request.method ?? "", request.url ?? "", text)
      if (asked._tag === "Failure") return send(response, RestAnswer.failure(asked.failure))
      run(
        RestApi.answer(asked.success).pipe(
          Effect.catchCause((cause) =>
            Effect.as(
              Effect.logError("A request to the REST interface broke down.", cause),
              RestAnswer.failure(JobError.code("Unhandled"))
            )
          ),
          Effect.map((answer) => send(response, answer))
        )
      )
    })
  }

  const server = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const made = createServer(
        // An encoded URL is up to three times as long as it is.
        { maxHeaderSize: 32_768, headersTimeout: 10_000, requestTimeout: 10_000, keepAliveTimeout: 60_000 },
        respond
      )
      made.maxConnections = maxConnections
      if (users === "own") made.on("connection", (socket) => void (isOwn(socket) || strangers.add(socket)))
      made.on("clientError", (_, socket) => {
        // What is said here would be taken for the answer to what was asked before.
        if (!socket.writable || busy.has(socket)) return socket.destroy()
        const { body: text, status } = RestAnswer.failure(JobError.code("InvalidArgument"))
        socket.end(
          `HTTP/1.1 ${status} ${RestAnswer.phrase(status)}\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`
        )
      })
      return made
    }),
    (made) =>
      Effect.callback<void>((resume) => {
        made.close(() => resume(Effect.void))
        made.closeAllConnections()
      })
  )
  return yield* listen(server, host, range)
})

/** The first port of the range that is free. */
const listen = Effect.fnUntraced(function* (
  server: Server,
  host: string,
  range: { readonly first: number; readonly last: number }
) {
  for (let port = range.first; ; port++) {
    const code = yield* Effect.callback<string | undefined>((resume) => {
      const done = (trouble: string | undefined) => {
        server.off("error", failed).off("listening", listening)
        resume(Effect.succeed(trouble))
      }
      const failed = (error: NodeJS.ErrnoException) => done(error.code ?? error.message)
      const listening = () => done(undefined)
      server.once("error", failed).once("listening", listening).listen(port, host)
    })
    if (code === undefined) break
    if (code !== "EADDRINUSE" || port >= range.last) return yield* new RestServerError({ host, code })
  }
  return (server.address() as AddressInfo).port
})

const loopback = new BlockList()
loopback.addSubnet("127.0.0.0", 8, "ipv4")
loopback.addAddress("::1", "ipv6")
loopback.addSubnet("::ffff:127.0.0.0", 104, "ipv6")

const isLoopback = (address: string): boolean => loopback.check(address, isIPv6(address) ? "ipv6" : "ipv4")

const ownName = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i

const isOwn = (socket: Socket): boolean => {
  const user = CallerUser.of(socket)
  return user !== undefined && (user === 0 || user === process.getuid?.())
}

/** Sent by a web page: its requests carry where they come from. */
const isFromPage = ({ headers }: IncomingMessage): boolean =>
  headers.origin !== undefined || headers["sec-fetch-site"] !== undefined

/** From this machine, and by its own name: a page whose name was made to lead here asks by that one. */
const isLocal = ({ headers, socket }: IncomingMessage): boolean =>
  isLoopback(socket.remoteAddress ?? "") && (headers.host === undefined || ownName.test(headers.host))

/** Calls with the whole body, or with `undefined` when it is too long. Not at all when the caller goes away. */
const body = (request: IncomingMessage, done: (text: string | undefined) => void): void => {
  const parts: Array<Buffer> = []
  let length = 0
  request.on("data", (part: Buffer) => {
    length += part.length
    if (length <= RestRequest.maxBody) return void parts.push(part)
    request.removeAllListeners("data").removeAllListeners("end").pause()
    done(undefined)
  })
  request.on("end", () => done(Buffer.concat(parts).toString("utf8")))
  // Who breaks off wants no answer.
  request.on("error", () => undefined)
}

const send = (response: ServerResponse, { body: text, status }: RestAnswer.RestAnswer): void => {
  // That agent says the length and its name, and nothing else; the kind is for programs that would not know it otherwise.
  response.sendDate = false
  response.writeHead(status, RestAnswer.phrase(status), {
    "Content-Length": Buffer.byteLength(text),
    Server: `Piecework/${version}`,
    "Content-Type": "application/json"
  })
  response.end(text)
}
