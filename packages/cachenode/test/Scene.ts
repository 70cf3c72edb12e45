/** A cache server on loopback over an origin in memory, and a client that speaks to it as programs do. */
import { type IncomingHttpHeaders, type IncomingMessage, request } from "node:http"
import { connect } from "node:net"
import type { PieceCache } from "@piecework/cache/PieceCache"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import type { KnownContents } from "@piecework/objects/KnownContents"
import type { Contents } from "@piecework/proxy/Contents"
import { Effect, Layer, Result } from "effect"
import * as AllowList from "../src/AllowList.ts"
import * as CacheNode from "../src/CacheNode.ts"
import * as CacheNodeConfig from "../src/CacheNodeConfig.ts"
import { Figures } from "../src/Figures.ts"
import * as MemoryFills from "./MemoryFills.ts"

export interface Got {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface Ask {
  readonly method?: string
  readonly headers?: Record<string, string>
}

/** Asks for what stands in the request's first line. */
export const ask = (port: number, path: string, { headers = {}, method = "GET" }: Ask = {}) =>
  Effect.promise<Got>(
    () =>
      new Promise((resolve, reject) => {
        const outgoing = request({ host: "127.0.0.1", port, path, method, headers, agent: false })
        outgoing.on("error", reject)
        outgoing.on("response", (response) => {
          const parts: Array<Buffer> = []
          response.on("data", (part: Buffer) => parts.push(part))
          response.on("error", reject)
          response.on("end", () =>
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) })
          )
        })
        outgoing.end()
      })
  )

export const bytesOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) % 256)

export const allow = (...entries: ReadonlyArray<string>): AllowList.AllowList =>
  Result.getOrThrow(AllowList.parse(entries))

export const urlOf = (text: string) => text as ContentUrl

export const start = (
  files: Parameters<typeof MemoryFills.make>[0],
  config: Partial<CacheNodeConfig.CacheNodeConfig["Service"]> = {},
  more: Layer.Layer<Contents | PieceCache | KnownContents> | Layer.Layer<never> = Layer.empty
) =>
  Effect.gen(function* () {
    const fills = MemoryFills.make(files)
    const services = yield* Layer.build(
      Layer.mergeAll(
        fills.layer,
        Figures.layer,
        CacheNodeConfig.layer({ allow: allow("files.test", "*.cdn.test", "https://tls.test"), ...config }),
        more
      )
    )
    const listening = yield* Effect.provideContext(CacheNode.serve({ host: "127.0.0.1", port: 0 }), services)
    return { fills, listening, port: listening.port ?? 0, figures: yield* Effect.provideContext(Figures, services) }
  })

/** Looks until it is so; a test that waits for what never comes ends by its own time. */
export const until = (isSo: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => (isSo() ? Effect.void : Effect.andThen(Effect.sleep(5), until(isSo))))

/** An answer whose body the test reads itself. */
export const begin = (port: number, path: string, headers: Record<string, string> = {}) =>
  Effect.acquireRelease(
    Effect.promise<IncomingMessage>(
      () =>
        new Promise((resolve, reject) => {
          request({ host: "127.0.0.1", port, path, headers, agent: false }, resolve).on("error", reject).end()
        })
    ),
    (response) => Effect.sync(() => void response.destroy())
  )

/** The rest of it; `undefined` where it breaks off. */
export const rest = (response: IncomingMessage) =>
  Effect.promise<Buffer | undefined>(
    () =>
      new Promise((resolve) => {
        const parts: Array<Buffer> = []
        response.on("data", (part: Buffer) => parts.push(part))
        response.once("error", () => resolve(undefined))
        response.once("end", () => resolve(Buffer.concat(parts)))
      })
  )

/** Says so on a bare connection, and answers all that comes until it is closed. */
export const say = (port: number, text: string) =>
  Effect.promise<string>(
    () =>
      new Promise((resolve, reject) => {
        const parts: Array<Buffer> = []
        const socket = connect(port, "127.0.0.1", () => socket.write(text))
        socket.on("data", (part) => parts.push(part))
        socket.on("error", reject)
        socket.on("close", () => resolve(Buffer.concat(parts).toString("latin1")))
      })
  )
