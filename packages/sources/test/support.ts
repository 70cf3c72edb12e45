/** Hand-written answers over a transport in memory. */
import { ContentUrl } from "@piecework/domain/ContentUrl"
import { BufferPool } from "@piecework/hashing/BufferPool"
import * as BufferPoolConfig from "@piecework/hashing/BufferPoolConfig"
import type { ByteStream } from "@piecework/transport/ByteStream"
import { Transport } from "@piecework/transport/Transport"
import { Effect, Layer, type Scope } from "effect"
import { Server as HttpServer } from "node:http"
import { Server as HttpsServer } from "node:https"
import type * as Net from "node:net"
import { HttpClient, type HttpResponse } from "../src/HttpClient.ts"
import * as HttpClientConfig from "../src/HttpClientConfig.ts"

export const url = (path = "/file", host = "http://origin.example") => ContentUrl.make(`${host}${path}`)

export const pattern = (length: number, from = 0) =>
  Uint8Array.from({ length }, (_, i) => ((from + i) * 31 + ((from + i) >> 8)) & 0xff)

export const clientLayer = (config?: Partial<HttpClientConfig.HttpClientConfig["Service"]>) =>
  Layer.mergeAll(HttpClient.layer, BufferPool.layer).pipe(
    Layer.provide(HttpClientConfig.layer(config)),
    Layer.provide(BufferPoolConfig.layer({ slots: 4 })),
    Layer.provideMerge(Transport.layerMemory)
  )

export const liveLayer = (config?: Partial<HttpClientConfig.HttpClientConfig["Service"]>) =>
  Layer.mergeAll(HttpClient.layer, BufferPool.layer).pipe(
    Layer.provide(HttpClientConfig.layer(config)),
    Layer.provide(BufferPoolConfig.layer({ slots: 4 })),
    Layer.provide(Transport.layer)
  )

/** The port on loopback on which the server listens, until the scope closes. */
export const listening = (server: Net.Server): Effect.Effect<number, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<number>((resume) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0))
      })
    }),
    () =>
      Effect.sync(() => {
        server.close()
        if (server instanceof HttpServer || server instanceof HttpsServer) server.closeAllConnections()
      })
  )

export interface Request {
  /** The first line and the headers, as they came. */
  readonly text: string
  readonly path: string
  readonly header: (name: string) => string | undefined
  /** Which connection it came over, counted from 0. */
  readonly connection: number
}

/** What to do with a request: bytes to send, and whether to go on, end, or fall silent afterwards. */
export interface Answer {
  readonly parts: ReadonlyArray<string | Uint8Array>
  readonly after?: "KeepAlive" | "End" | "Silence"
}

const toBytes = (part: string | Uint8Array) => (typeof part === "string" ? Buffer.from(part, "latin1") : part)

const readRequest = Effect.fnUntraced(function* (stream: ByteStream, connection: number) {
  const byte = new Uint8Array(1)
  let text = ""
  while (!text.endsWith("\r\n\r\n")) {
    if ((yield* stream.fill(byte)) === 0) return undefined
    text += String.fromCharCode(byte[0] ?? 0)
  }
  const header = (name: string) =>
    text
      .split("\r\n")
      .find((line) => line.toLowerCase().startsWith(`${name}: `))
      ?.slice(name.length + 2)
  return { text, path: text.split(" ")[1] ?? "", header, connection }
})

/** A server that answers with what `answer` says; the requests it got. */
export const server = (answer: (request: Request, n: number) => Answer | string, host = "origin.example", port = 80) =>
  Effect.gen(function* () {
    const transport = yield* Transport
    const requests: Array<Request> = []
    let connections = 0
    yield* transport.listen({ host, port }, (stream) =>
      Effect.gen(function* () {
        const connection = connections++
        while (true) {
          const request = yield* readRequest(stream, connection)
          if (request === undefined) return
          requests.push(request)
          const said = answer(request, requests.length - 1)
          const { parts, after } = typeof said === "string" ? { parts: [said], after: undefined } : said
          // One by one, so that they arrive one by one.
          for (const part of parts) yield* stream.write([toBytes(part)])
          if (after === "Silence") return yield* Effect.never
          if (after === "End") return yield* stream.end
        }
      }).pipe(Effect.ignore)
    )
    return requests
  })

/** All of a body. */
export const readAll = Effect.fnUntraced(function* (response: Pick<HttpResponse, "body">, room = 65_536) {
  const parts: Array<Uint8Array> = []
  while (true) {
    const target = new Uint8Array(room)
    const got = yield* response.body.fill(target)
    if (got > 0) parts.push(target.subarray(0, got))
    if (got < room) return Buffer.concat(parts)
  }
})

export const get = (options: Parameters<HttpClient["Service"]["get"]>[0]) =>
  HttpClient.use((client) => client.get(options))

/** The text of an answer. */
export const text = (options: Parameters<HttpClient["Service"]["get"]>[0]) =>
  Effect.scoped(Effect.map(Effect.flatMap(get(options), readAll), (bytes) => bytes.toString("latin1")))
