/** An HTTP server with one file, which counts what it sends, stops where it is told to, and keeps its hands off the clock. */
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { Effect, type Scope } from "effect"

export interface Origin {
  /** "127.0.0.1:PORT": what clients name. */
  readonly host: string
  /** Of the file, at the origin. */
  readonly url: string
  /** Body bytes handed to the system so far. */
  readonly sent: () => number
  readonly requests: () => number
  /** Sends no more than so many bytes in all, until it is told another number. */
  readonly stopAt: (bytes: number) => void
  /** The query of the last request for the file. */
  readonly asked: () => string
}

const part = 65_536

export const make = (bytes: Uint8Array): Effect.Effect<Origin, never, Scope.Scope> =>
  Effect.gen(function* () {
    let sent = 0
    let requests = 0
    let asked = ""
    let most = Number.POSITIVE_INFINITY
    const held = new Set<() => void>()
    const send = (response: ServerResponse, from: number, end: number): void => {
      let at = from
      const next = (): void => {
        held.delete(next)
        if (response.destroyed) return
        if (at >= end) return void response.end()
        if (sent >= most) return void held.add(next)
        const some = bytes.subarray(at, Math.min(at + part, end))
        at += some.length
        sent += some.length
        response.write(some, next)
      }
      next()
    }
    const server = createServer((request, response) => {
      requests++
      asked = request.url ?? ""
      const match = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "")
      const from = Number(match?.[1] ?? 0)
      const end = match?.[2] ? Math.min(Number(match[2]) + 1, bytes.length) : bytes.length
      response.writeHead(match === null ? 200 : 206, {
        "content-length": end - from,
        etag: '"v1"',
        "cache-control": "max-age=3600",
        ...(match === null ? {} : { "content-range": `bytes ${from}-${end - 1}/${bytes.length}` })
      })
      if (request.method === "HEAD") return void response.end()
      send(response, from, end)
    })
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
      () =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    )
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
    return {
      host,
      url: `http://${host}/file.bin`,
      sent: () => sent,
      requests: () => requests,
      asked: () => asked,
      stopAt: (total) => {
        most = total
        for (const next of held) next()
      }
    }
  })
