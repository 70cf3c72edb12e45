/** A file at an origin in memory, and what its readers get of it. */
import { ContentUrl } from "@piecework/domain/ContentUrl"
import { Objects } from "@piecework/objects/Objects"
import { HttpClient } from "@piecework/sources/HttpClient"
import * as HttpClientConfig from "@piecework/sources/HttpClientConfig"
import type { ByteStream } from "@piecework/transport/ByteStream"
import { Transport } from "@piecework/transport/Transport"
import { Effect, Fiber, Layer, type Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { type Answered, Fills, type Filled, type Wanted } from "../src/Fills.ts"
import * as FillsConfig from "../src/FillsConfig.ts"
import { Upstreams } from "../src/Upstreams.ts"

export const MiB = 1_048_576

export const url = (path = "/file", host = "http://origin.example") => ContentUrl.make(`${host}${path}`)

/** Bytes that differ from place to place and from version to version. */
export const pattern = (length: number, version = 0): Uint8Array => {
  const words = new Uint32Array(Math.ceil(length / 4))
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(i + 1, 2_654_435_761) ^ (version * 97)
  return new Uint8Array(words.buffer, 0, length)
}

export interface Request {
  readonly text: string
  readonly path: string
  readonly header: (name: string) => string | undefined
}

/** What a server sends, part by part; `pause` between parts in milliseconds of the clock. */
export interface Answer {
  readonly parts: ReadonlyArray<string | Uint8Array>
  readonly pause?: number
  /** Milliseconds before the first part. */
  readonly delay?: number
  readonly after?: "KeepAlive" | "End" | "Silence"
}

/** The effect that answers a request; it ends the connection when it fails or says so. */
export type Handler = (request: Request, n: number) => Answer

const readRequest = Effect.fnUntraced(function* (stream: ByteStream) {
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
  return { text, path: text.split(" ")[1] ?? "", header }
})

export interface Server {
  readonly requests: Array<Request>
  /** Bytes of answers that were written. */
  sent: number
}

/** Listens as every host on port 80 of the memory transport, or on another. */
export const serve = (handler: Handler, port = 80) =>
  Effect.gen(function* () {
    const transport = yield* Transport
    const server: Server = { requests: [], sent: 0 }
    yield* transport.listen({ host: "0.0.0.0", port }, (stream) =>
      Effect.gen(function* () {
        while (true) {
          const request = yield* readRequest(stream)
          if (request === undefined) return
          server.requests.push(request)
          const { after, delay, parts, pause } = handler(request, server.requests.length - 1)
          if (delay !== undefined) yield* Effect.sleep(delay)
          for (const part of parts) {
            const bytes = typeof part === "string" ? Buffer.from(part, "latin1") : part
            yield* stream.write([bytes])
            if (typeof part !== "string") server.sent += bytes.length
            if (pause !== undefined) yield* Effect.sleep(pause)
          }
          if (after === "Silence") return yield* Effect.never
          if (after === "End") return yield* stream.end
        }
      }).pipe(Effect.ignore)
    )
    return server
  })

export interface FileOptions {
  readonly headers?: ReadonlyArray<string>
  readonly ranges?: boolean
  /** Bytes of one write, and what comes between. */
  readonly step?: number
  readonly pause?: number
}

export const head = (status: string, lines: ReadonlyArray<string>) =>
  `HTTP/1.1 ${[status, ...lines].join("\r\n")}\r\n\r\n`

/** The bytes that the request asks for; all of them without a range. */
export const spanOf = (request: Request, size: number): readonly [start: number, end: number] | undefined => {
  const match = /^bytes=(\d+)-(\d*)$/.exec(request.header("range") ?? "")
  if (match === null) return undefined
  return [Number(match[1]), match[2] === "" ? size : Math.min(size, Number(match[2]) + 1)]
}

/** A server of a file as they usually are. */
export const answerWith = (bytes: Uint8Array, options: FileOptions = {}) => {
  const { headers = ['ETag: "1"', "Cache-Control: max-age=3600"], pause, ranges = true, step = MiB } = options
  return (request: Request): Answer => {
    const tag = headers.find((line) => line.startsWith("ETag: "))?.slice(6)
    if (tag !== undefined && request.header("if-none-match") === tag) {
      return { parts: [head("304 Not Modified", headers)] }
    }
    const ifRange = request.header("if-range")
    const isSame = ifRange === undefined || ifRange === tag
    const span = ranges && isSame ? spanOf(request, bytes.length) : undefined
    const [start, end] = span ?? [0, bytes.length]
    if (span !== undefined && start >= bytes.length) {
      return {
        parts: [head("416 Range Not Satisfiable", [`Content-Range: bytes */${bytes.length}`, "Content-Length: 0"])]
      }
    }
    const said =
      span === undefined
        ? head("200 OK", [...headers, `Content-Length: ${end - start}`])
        : head("206 Partial Content", [
            ...headers,
            `Content-Length: ${end - start}`,
            `Content-Range: bytes ${start}-${end - 1}/${bytes.length}`
          ])
    const parts: Array<string | Uint8Array> = [said]
    for (let at = start; at < end; at += step) parts.push(bytes.subarray(at, Math.min(end, at + step)))
    return { parts, ...(pause === undefined ? {} : { pause }) }
  }
}

export interface LayerOptions {
  readonly fills?: Partial<FillsConfig.FillsConfig["Service"]>
  readonly http?: Partial<HttpClientConfig.HttpClientConfig["Service"]>
  readonly upstreams?: Layer.Layer<Upstreams>
  readonly objects?: Layer.Layer<Objects>
}

/** The engine over a network in memory, beside which servers can listen. */
export const layer = (options: LayerOptions = {}) =>
  Fills.layer.pipe(
    Layer.provide(HttpClient.layer),
    Layer.provide(HttpClientConfig.layer(options.http)),
    Layer.provide(FillsConfig.layer(options.fills)),
    Layer.provide(options.upstreams ?? Upstreams.layerOrigin),
    Layer.provideMerge(options.objects ?? Objects.layerMemory),
    Layer.provideMerge(Transport.layerMemory)
  )

export const open = (wanted: Partial<Wanted> = {}) => Fills.use((fills) => fills.open({ url: url(), ...wanted }))

/** The answer, which has to be a file. */
export const openFile = (wanted: Partial<Wanted> = {}) => Effect.flatMap(open(wanted), asFile)

export const asFile = (answered: Answered): Effect.Effect<Filled> =>
  answered._tag === "Filled" ? Effect.succeed(answered) : Effect.die(new Error(`it is ${answered._tag}`))

/** All bytes of the part, copied. */
export const read = (file: Filled, offset = 0, length = file.facts.size - offset, chunk?: number) =>
  Effect.map(
    Stream.runFold(
      file.read({ offset, length }, { chunk }),
      () => [] as Array<Uint8Array>,
      (parts, bytes) => {
        parts.push(bytes.slice())
        return parts
      }
    ),
    (parts) => Buffer.concat(parts)
  )

/** One client from its request to its last byte. */
export const client = (wanted: Partial<Wanted> = {}) =>
  Effect.scoped(
    Effect.gen(function* () {
      const file = yield* openFile(wanted)
      const { size } = file.facts
      const part = wanted.part
      const offset = part === undefined ? 0 : part.offset < 0 ? Math.max(0, size + part.offset) : part.offset
      const bytes = yield* read(file, offset, Math.min(part?.length ?? Infinity, size - offset))
      return { file, bytes, offset }
    })
  )

/** A test over the engine in memory. */
export const running =
  <E, R>(body: Effect.Effect<void, E, R>, options?: LayerOptions) =>
  (): Effect.Effect<void, E, Exclude<Exclude<R, Fills | Objects | Transport>, Scope.Scope>> =>
    Effect.scoped(Effect.provide(body, layer(options)))

/** Lets everything that can happen without time passing happen. */
export const settled = Effect.repeat(Effect.yieldNow, { times: 2000 })

export const isSame = (got: Uint8Array, bytes: Uint8Array, offset = 0, length = bytes.length - offset): boolean =>
  Buffer.compare(got, bytes.subarray(offset, offset + length)) === 0

/** So many clients that come before the first has an answer. */
export const together = <A, E, R>(count: number, one: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const all = yield* Effect.forkChild(
      Effect.all(
        Array.from({ length: count }, () => one),
        { concurrency: "unbounded" }
      )
    )
    yield* TestClock.adjust("10 seconds")
    return yield* Fiber.join(all)
  })
