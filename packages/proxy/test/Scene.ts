/** A proxy on loopback with contents in memory, an origin that notes what it was asked, and a client that speaks to the proxy as programs do. */
import { once } from "node:events"
import { createServer, type IncomingHttpHeaders, request, type RequestListener, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { ContentId } from "@piecework/domain/Content"
import { HttpClient } from "@piecework/sources/HttpClient"
import * as HttpClientConfig from "@piecework/sources/HttpClientConfig"
import { Transport } from "@piecework/transport/Transport"
import { Effect, Layer } from "effect"
import { Contents } from "../src/Contents.ts"
import * as ProxyConfig from "../src/ProxyConfig.ts"
import * as ProxyServer from "../src/ProxyServer.ts"

export interface Origin {
  readonly port: number
  /** Method, path and range, in order. */
  readonly asked: Array<string>
}

/** An HTTP server on any port, until the scope closes. */
export const origin = (listener: RequestListener) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const asked: Array<string> = []
      const server = createServer((incoming, response) => {
        const { range } = incoming.headers
        asked.push(`${incoming.method} ${incoming.url}${range === undefined ? "" : ` ${range}`}`)
        listener(incoming, response)
      })
      server.listen(0, "127.0.0.1")
      await once(server, "listening")
      return { server, port: portOf(server), asked }
    }),
    ({ server }) =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      })
  )

const portOf = (server: Server): number => (server.address() as AddressInfo).port

export interface Got {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly trailers: NodeJS.Dict<string>
  readonly body: Buffer
}

export interface Ask {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string
  readonly trailers?: Record<string, string>
}

/** Asks the proxy for what stands in the request's first line. */
export const ask = (port: number, path: string, { body, headers = {}, method = "GET", trailers }: Ask = {}) =>
  Effect.promise<Got>(
    () =>
      new Promise((resolve, reject) => {
        const outgoing = request({ host: "127.0.0.1", port, path, method, headers: { ...headers }, agent: false })
        outgoing.on("error", reject)
        outgoing.on("response", (response) => {
          const parts: Array<Buffer> = []
          response.on("data", (part: Buffer) => parts.push(part))
          response.on("error", reject)
          response.on("end", () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              trailers: response.trailers,
              body: Buffer.concat(parts)
            })
          )
        })
        if (body !== undefined) outgoing.write(body)
        if (trailers !== undefined) outgoing.addTrailers(trailers)
        outgoing.end()
      })
  )

export const idOf = (letter: string): ContentId => ContentId.make(`DO-${letter.repeat(43)}`)

export const bytesOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) % 256)

const http = HttpClient.layer.pipe(Layer.provide([HttpClientConfig.layer(), Transport.layer]))

/** A proxy that knows these contents, by URL; answers its port. */
export const proxy = (
  contents: Layer.Layer<Contents>,
  config: Partial<ProxyConfig.ProxyConfig["Service"]> = {},
  options: ProxyServer.ProxyServerOptions = {}
) =>
  Effect.map(ProxyServer.serve({ port: 0, ...options }), ({ port }) => port).pipe(
    // The layers live as long as the proxy.
    (served) =>
      Effect.flatMap(
        Layer.build(Layer.mergeAll(contents, http, ProxyConfig.layer({ minContentSize: 1000, ...config }))),
        (services) => Effect.provideContext(served, services)
      )
  )

/** The file of `fileServer`. */
export const bytes = bytesOf(200_000)
export const lastModified = "Sat, 01 Aug 2026 10:00:00 GMT"

/** A server that has the file, with ranges, as most have. */
export const fileServer = (more: Readonly<Record<string, string>> = {}, size = bytes.length) =>
  origin((asked, response) => {
    response.setHeader("ETag", '"of-the-origin"').setHeader("Last-Modified", lastModified)
    response.setHeader("Content-Type", "application/x-debian-package")
    for (const [name, value] of Object.entries(more)) response.setHeader(name, value)
    const isPart = asked.headers.range === "bytes=0-0"
    if (isPart) response.writeHead(206, { "Content-Range": `bytes 0-0/${size}`, "Content-Length": 1 })
    else response.writeHead(200, { "Content-Length": bytes.length })
    response.end(isPart ? bytes.subarray(0, 1) : bytes)
  })
