/**
 * The origin of the demo: one file over HTTP/1.1 with ranges, HEAD and a strong ETag, all connections together no
 * faster than one line. It counts the body bytes that it handed to sockets, and that count says what crossed the line.
 */
import { Clock, Effect, FiberSet, Ref, Schema, type Scope } from "effect"
import { type FileHandle, open } from "node:fs/promises"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { basename } from "node:path"
import * as ByteRange from "./ByteRange.ts"
import * as TokenBucket from "./TokenBucket.ts"

/** The origin cannot start. */
export class OriginError extends Schema.TaggedError<OriginError>()("OriginError", {
  operation: Schema.Literals(["open", "listen"]),
  /** The file, or the address. */
  subject: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return this.operation === "open"
      ? `The file ${this.subject} cannot be read; name another one.`
      : `Nothing can listen at ${this.subject}.`
  }
}

/** What the origin has sent. */
export const Counts = Schema.Struct({
  /** Body bytes that were handed to sockets, headers not counted. */
  bodyBytes: Schema.Natural,
  /** Requests for the file, HEAD included. */
  requests: Schema.Natural
})
export interface Counts extends Schema.Schema.Type<typeof Counts> {}

/** Where `Counts` can be read as JSON. */
export const countsPath = "/.origin/counts"

export interface FileOrigin {
  /** URL of the file. */
  readonly url: string
  readonly counts: () => Counts
}

interface Served {
  readonly handle: FileHandle
  readonly path: string
  readonly size: number
  readonly etag: string
  readonly lastModified: string
}

/** Serves `file` until the scope closes. `port` 0 takes any. Rates are bytes per second. */
export const serve = Effect.fn("FileOrigin.serve")(function* (options: {
  readonly file: string
  readonly bytesPerSecond: number
  readonly host: string
  readonly port: number
}): Effect.fn.Return<FileOrigin, OriginError, Scope.Scope> {
  const served = yield* openFile(options.file)
  const line = yield* Ref.make(TokenBucket.make(options.bytesPerSecond, yield* Clock.currentTimeMillis))
  const turn = TokenBucket.turnBytes(options.bytesPerSecond)
  let bodyBytes = 0
  let requests = 0
  const counts = (): Counts => ({ bodyBytes, requests })

  /** Waits until the line has carried `bytes`. Waits under a millisecond are left out: they add up to the next one. */
  const carry = Effect.fnUntraced(function* (bytes: number) {
    const now = yield* Clock.currentTimeMillis
    const wait = yield* Ref.modify(line, (bucket) => TokenBucket.reserve(bucket, bytes, now))
    if (wait >= 1) yield* Effect.sleep(wait)
  })

  const sendBody = Effect.fnUntraced(function* (response: ServerResponse, range: ByteRange.ByteRange) {
    const buffer = Buffer.allocUnsafeSlow(turn)
    let at = range.start
    while (at <= range.end && !response.destroyed) {
      yield* carry(Math.min(turn, range.end + 1 - at))
      const wanted = Math.min(turn, range.end + 1 - at)
      const { bytesRead } = yield* Effect.promise(() => served.handle.read(buffer, 0, wanted, at))
      // The file became shorter: the answer cannot be completed, and the client must notice.
      if (bytesRead === 0) return void response.destroy()
      if (!(yield* write(response, buffer.subarray(0, bytesRead)))) return
      at += bytesRead
      bodyBytes += bytesRead
    }
    response.end()
  })

  const answer = Effect.fnUntraced(function* (request: IncomingMessage, response: ServerResponse) {
    const { method, url } = request
    if (method !== "GET" && method !== "HEAD") return void response.writeHead(405, { allow: "GET, HEAD" }).end()
    if (url === countsPath) {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(counts()))
      return
    }
    if (url?.split("?")[0] !== served.path) return void response.writeHead(404).end()
    requests++
    const head = {
      "accept-ranges": "bytes",
      "content-type": "application/octet-stream",
      etag: served.etag,
      "last-modified": served.lastModified
    }
    const condition = request.headers["if-range"]
    const conditionHolds = condition === undefined || condition === served.etag || condition === served.lastModified
    const asked = ByteRange.parse(conditionHolds ? request.headers.range : undefined, served.size)
    if (asked === "Unsatisfiable") {
      response.writeHead(416, { ...head, "content-range": `bytes */${served.size}`, "content-length": 0 }).end()
      return
    }
    const range = asked === "Whole" ? { start: 0, end: served.size - 1 } : asked
    response.writeHead(asked === "Whole" ? 200 : 206, {
      ...head,
      "content-length": range.end - range.start + 1,
      ...(asked === "Whole" ? {} : { "content-range": `bytes ${range.start}-${range.end}/${served.size}` })
    })
    if (method === "HEAD") return void response.end()
    yield* sendBody(response, range)
  })

  const run = yield* FiberSet.makeRuntime<never>()
  const server = createServer({ keepAliveTimeout: 60_000, noDelay: true }, (request, response) => {
    run(answer(request, response))
  })
  const port = yield* listen(server, options.host, options.port)
  const host = options.host.includes(":") ? `[${options.host}]` : options.host
  return { url: `http://${host}:${port}${served.path}`, counts }
})

const openFile = Effect.fnUntraced(function* (file: string) {
  const refused = (cause: unknown) => new OriginError({ operation: "open", subject: file, cause })
  const handle = yield* Effect.acquireRelease(
    Effect.tryPromise({ try: () => open(file, "r"), catch: refused }),
    (opened) => Effect.promise(() => opened.close())
  )
  const info = yield* Effect.tryPromise({ try: () => handle.stat(), catch: refused })
  if (!info.isFile()) return yield* refused(new Error("not a regular file"))
  const served: Served = {
    handle,
    path: `/${encodeURIComponent(basename(file))}`,
    size: info.size,
    etag: `"${info.size.toString(16)}-${Math.floor(info.mtimeMs).toString(16)}"`,
    lastModified: info.mtime.toUTCString()
  }
  return served
})

/** Hands bytes to the socket and waits until it took them; false when the other side is gone. */
const write = (response: ServerResponse, bytes: Uint8Array): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    const gone = () => resume(Effect.succeed(false))
    response.once("close", gone)
    response.write(bytes, (error) => {
      response.off("close", gone)
      resume(Effect.succeed(error === null || error === undefined))
    })
  })

const listen = Effect.fnUntraced(function* (server: Server, host: string, port: number) {
  yield* Effect.acquireRelease(
    Effect.callback<void, OriginError>((resume) => {
      const refused = (cause: Error) =>
        resume(Effect.fail(new OriginError({ operation: "listen", subject: `${host}:${port}`, cause })))
      server.once("error", refused)
      server.listen(port, host, () => {
        server.off("error", refused)
        resume(Effect.void)
      })
    }),
    () =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
  return (server.address() as AddressInfo).port
})
