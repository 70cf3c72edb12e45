/** Origins on real sockets that answer whatever a test says, to the byte. */
import { createServer, type Server, type Socket } from "node:net"
import type { AddressInfo } from "node:net"
import { Effect, type Scope } from "effect"

export interface Asked {
  /** The path with its query. */
  readonly target: string
  /** First byte that is wanted; `undefined` for a request without a range. */
  readonly from: number | undefined
  /** The last one; `undefined` for the rest. */
  readonly to: number | undefined
  /** All header lines. */
  readonly fields: ReadonlyArray<string>
}

export interface RawOrigin {
  readonly url: string
  /** Body bytes that were handed to the system so far. */
  readonly sent: () => number
  readonly requests: () => ReadonlyArray<Asked>
  /** From the next request on. */
  readonly answer: (next: Answer) => void
}

/** What happens to one request. */
export type Answer = (asked: Asked, reply: Reply) => void

export interface Reply {
  /** The head, with these lines beside the status line. */
  readonly head: (status: number, lines?: ReadonlyArray<string>) => void
  readonly body: (bytes: Uint8Array) => void
  /** An orderly end of the connection. */
  readonly end: () => void
  readonly reset: () => void
}

const listening = (server: Server): Effect.Effect<number, never, Scope.Scope> =>
  Effect.gen(function* () {
    const sockets = new Set<Socket>()
    server.on("connection", (socket) => {
      sockets.add(socket)
      socket.on("error", () => undefined).on("close", () => sockets.delete(socket))
    })
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
      () =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          for (const socket of sockets) socket.destroy()
        })
    )
    return (server.address() as AddressInfo).port
  })

export const make = (first: Answer): Effect.Effect<RawOrigin, never, Scope.Scope> =>
  Effect.gen(function* () {
    let answer = first
    let sent = 0
    const requests: Array<Asked> = []
    const server = createServer((socket) => {
      let text = ""
      socket.setNoDelay(true)
      socket.on("data", (part: Buffer) => {
        text += part.toString("latin1")
        for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n")) {
          const [line = "", ...fields] = text.slice(0, end).split("\r\n")
          text = text.slice(end + 4)
          const range = fields
            .map((field) => /^range: *bytes=(\d+)-(\d*)$/i.exec(field))
            .find((found) => found !== null)
          const asked: Asked = {
            target: line.split(" ")[1] ?? "",
            from: range?.[1] === undefined ? undefined : Number(range[1]),
            to: range?.[2] ? Number(range[2]) : undefined,
            fields
          }
          requests.push(asked)
          answer(asked, {
            head: (status, lines = []) =>
              void socket.write(`HTTP/1.1 ${status} -\r\n${lines.map((one) => `${one}\r\n`).join("")}\r\n`),
            body: (bytes) => {
              sent += bytes.length
              socket.write(bytes)
            },
            end: () => void socket.end(),
            reset: () => void socket.resetAndDestroy()
          })
        }
      })
    })
    const port = yield* listening(server)
    return {
      url: `http://127.0.0.1:${port}/file.bin`,
      sent: () => sent,
      requests: () => requests,
      answer: (next) => void (answer = next)
    }
  })

export interface FileOptions {
  readonly etag?: string | undefined
  /** Every answer is the whole file. */
  readonly ignoresRanges?: boolean | undefined
  /** Ends each answer after so many bytes of it: all of them arrive, however busy the machine is. */
  readonly cutAfter?: number | undefined
  /** The same in disorder: what was not read by then is lost. */
  readonly resetAfter?: number | undefined
  /** Falls silent after so many bytes of each answer. */
  readonly stallAfter?: number | undefined
}

/** An origin that has this file. */
export const file =
  (
    bytes: Uint8Array,
    {
      cutAfter = Infinity,
      etag = '"v1"',
      ignoresRanges = false,
      resetAfter = Infinity,
      stallAfter = Infinity
    }: FileOptions = {}
  ): Answer =>
  ({ from, to }, reply) => {
    const isPart = from !== undefined && !ignoresRanges
    const start = isPart ? from : 0
    const end = isPart && to !== undefined ? Math.min(to + 1, bytes.length) : bytes.length
    if (isPart && start >= bytes.length) {
      return reply.head(416, [`Content-Range: bytes */${bytes.length}`, "Content-Length: 0"])
    }
    reply.head(isPart ? 206 : 200, [
      `Content-Length: ${end - start}`,
      `ETag: ${etag}`,
      ...(isPart ? [`Content-Range: bytes ${start}-${end - 1}/${bytes.length}`] : [])
    ])
    const until = Math.min(end, start + Math.min(cutAfter, resetAfter, stallAfter))
    reply.body(bytes.subarray(start, until))
    if (until === end) return
    if (until === start + cutAfter) reply.end()
    else if (until === start + resetAfter) reply.reset()
  }

/** An origin that is one thing until it has sent so many bytes, and another from the next request on. */
export const turning = (bytes: number, before: Answer, after: Answer): Effect.Effect<RawOrigin, never, Scope.Scope> =>
  Effect.gen(function* () {
    const origin: RawOrigin = yield* make((asked, reply) => (origin.sent() < bytes ? before : after)(asked, reply))
    return origin
  })

/** Answers with a status and no body. */
export const status =
  (number: number, lines: ReadonlyArray<string> = []): Answer =>
  (_, reply) =>
    reply.head(number, ["Content-Length: 0", ...lines])
