/** A real HTTP server with one file, which counts what it sends, keeps to a rate and misbehaves when told to. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { Effect, Schedule, type Scope } from "effect"

export interface HttpOrigin {
  readonly url: string
  /** Body bytes handed to the system so far. */
  readonly sent: () => number
  readonly requests: () => number
  /** Of the requests so far. */
  readonly headers: () => ReadonlyArray<IncomingHttpHeaders>
  /** Answers with this status and no file from now on. */
  readonly fail: (status: number | undefined) => void
  /** Sends no more than so many bytes in all until it is told another number: what has to happen before can take its time. */
  readonly stopAt: (bytes: number) => void
  /** Waits until it answers nobody, as once those that it answered are gone. */
  readonly idle: Effect.Effect<void>
  /** Another rate for all connections together from now on. */
  readonly pace: (bytesPerSecond: number) => void
}

export interface HttpOriginOptions {
  readonly bytes: Uint8Array
  /** For all connections together; default as fast as it goes. */
  readonly bytesPerSecond?: number | undefined
  readonly ranges?: boolean | undefined
  /** What lies beside the file, under its own URL and ".phf"; not counted. */
  readonly phf?: Uint8Array | undefined
}

/** Bytes that go out at a time when there is a rate. */
const part = 32_768

export const make = (options: HttpOriginOptions): Effect.Effect<HttpOrigin, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { bytes } = options
    let { bytesPerSecond } = options
    let sent = 0
    // Bytes that went out or wait for the line.
    let promised = 0
    let requests = 0
    const headers: Array<IncomingHttpHeaders> = []
    let status: number | undefined
    // When the line is free again, in milliseconds.
    let free = 0
    let most = Number.POSITIVE_INFINITY
    const held = new Set<() => void>()
    const answering = new Set<ServerResponse>()

    const send = (response: ServerResponse, start: number, end: number): void => {
      if (bytesPerSecond === undefined && most === Number.POSITIVE_INFINITY) {
        sent += end - start
        response.end(bytes.subarray(start, end))
        return
      }
      let at = start
      const next = (): void => {
        if (response.destroyed) return
        if (at >= end) return void response.end()
        if (promised >= most) return void held.add(next)
        const some = bytes.subarray(at, Math.min(at + part, end))
        const now = performance.now()
        free = Math.max(free, now) + (some.length / (bytesPerSecond ?? Number.POSITIVE_INFINITY)) * 1000
        at += some.length
        promised += some.length
        setTimeout(() => {
          if (response.destroyed) return
          sent += some.length
          response.write(some, next)
        }, free - now)
      }
      next()
    }

    const server = createServer((request, response) => {
      if (request.url?.endsWith(".phf")) {
        return void (options.phf === undefined ? response.writeHead(404).end() : response.end(options.phf))
      }
      requests++
      headers.push(request.headers)
      answering.add(response)
      response.once("close", () => answering.delete(response))
      if (status !== undefined) return void response.writeHead(status).end()
      const match = options.ranges === false ? null : /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "")
      const start = Number(match?.[1] ?? 0)
      const end = match?.[2] ? Math.min(Number(match[2]) + 1, bytes.length) : bytes.length
      response.writeHead(match === null ? 200 : 206, {
        "content-length": end - start,
        etag: '"v1"',
        ...(match === null ? {} : { "content-range": `bytes ${start}-${end - 1}/${bytes.length}` })
      })
      send(response, start, end)
    })
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
      () =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    )
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/file.bin`,
      sent: () => sent,
      requests: () => requests,
      headers: () => headers,
      fail: (next) => void (status = next),
      stopAt: (total) => {
        most = total
        const waiting = [...held]
        held.clear()
        for (const next of waiting) next()
      },
      idle: Effect.sync(() => answering.size).pipe(
        Effect.repeat({ until: (n) => n === 0, schedule: Schedule.spaced("10 millis") }),
        Effect.asVoid
      ),
      pace: (next) => void (bytesPerSecond = next)
    }
  })
