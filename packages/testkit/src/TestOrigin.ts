/**
 * An HTTP origin over any `Transport` that counts the body bytes it sends, and misbehaves when told to. It speaks just
 * enough HTTP/1.1 for a client that asks properly: GET, one byte range, If-Range, keep-alive.
 */
import type { PeerAddress } from "@piecework/domain/Peer"
import type { ByteStream, TransportError } from "@piecework/transport/ByteStream"
import { Transport } from "@piecework/transport/Transport"
import { type Duration, Effect, type Scope } from "effect"

export interface Faults {
  /** Answers every request with this status and no file. */
  readonly status?: number | undefined
  /** More headers of every answer, such as Retry-After; an "etag" takes the place of the file's. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Ignores ranges: every answer is the whole file. */
  readonly noRanges?: boolean | undefined
  /** Breaks the connection after so many body bytes of each answer. */
  readonly cutAfter?: number | undefined
  /** Sends other bytes than the file's. */
  readonly corrupt?: boolean | undefined
  /** Gives no validator: neither an ETag nor a date. */
  readonly noValidator?: boolean | undefined
  /** Does not say how long an answer is: it comes in chunks. */
  readonly chunked?: boolean | undefined
  /** Takes requests and never answers. */
  readonly silent?: boolean | undefined
  /** Falls silent after so many body bytes of each answer. */
  readonly stallAfter?: number | undefined
  /** Falls silent at this byte of the file, wherever the answer began. */
  readonly stallAt?: number | undefined
  /** Sends a byte at a time, and waits so long before each. */
  readonly trickle?: Duration.Input | undefined
}

export interface TestOrigin {
  readonly address: PeerAddress
  /** Puts a file at a path such as "/file"; another one at the same path gets another ETag. */
  readonly put: (path: string, bytes: Uint8Array) => void
  readonly remove: (path: string) => void
  /** From the next request on. */
  readonly misbehave: (faults: Faults) => void
  /** Body bytes of the path that were given to the network so far; of all paths without one. */
  readonly sent: (path?: string) => number
  /** Requests that came, as "GET /file bytes=0-99". */
  readonly requests: () => ReadonlyArray<string>
  /** The heads of the same requests, as they came. */
  readonly heads: () => ReadonlyArray<string>
}

interface File {
  readonly bytes: Uint8Array
  readonly etag: string
}

/** Longest request head that is read, in bytes. */
const maxHead = 16_384

export const make = Effect.fn("TestOrigin.make")(function* (options: {
  readonly host: string
  readonly port: number
}): Effect.fn.Return<TestOrigin, TransportError, Scope.Scope | Transport> {
  const transport = yield* Transport
  const files = new Map<string, File>()
  const sent = new Map<string, number>()
  const requests: Array<string> = []
  const heads: Array<string> = []
  let faults: Faults = {}
  let versions = 0

  const answer = Effect.fnUntraced(function* (stream: ByteStream, request: Request) {
    requests.push(`GET ${request.path}${request.range === undefined ? "" : ` ${request.range}`}`)
    heads.push(request.head)
    if (faults.silent === true) return yield* Effect.never
    const file = files.get(request.path)
    if (faults.status !== undefined || file === undefined) {
      yield* stream.write([head(faults.status ?? 404, { "content-length": "0", ...faults.headers })])
      return true
    }
    const { bytes, etag } = file
    const validator = faults.noValidator === true ? {} : { etag }
    const wanted = faults.noRanges === true || !stillTheSame(request, etag) ? undefined : rangeOf(request, bytes.length)
    if (wanted === "Unsatisfiable") {
      yield* stream.write([head(416, { "content-range": `bytes */${bytes.length}`, "content-length": "0" })])
      return true
    }
    const start = wanted?.start ?? 0
    const end = wanted?.end ?? bytes.length
    yield* stream.write([
      head(wanted === undefined ? 200 : 206, {
        ...validator,
        ...faults.headers,
        ...(wanted === undefined ? {} : { "content-range": `bytes ${start}-${end - 1}/${bytes.length}` }),
        ...(faults.chunked === true ? { "transfer-encoding": "chunked" } : { "content-length": String(end - start) })
      })
    ])
    const most = faults.cutAfter ?? faults.stallAfter ?? Number.POSITIVE_INFINITY
    const cut = Math.min(end, start + most, Math.max(start, faults.stallAt ?? end))
    const step = faults.trickle === undefined ? part : 1
    for (let at = start; at < cut; at += step) {
      if (faults.trickle !== undefined) yield* Effect.sleep(faults.trickle)
      const some = bytes.slice(at, Math.min(at + step, cut))
      if (faults.corrupt === true) some.forEach((byte, i) => (some[i] = byte ^ 0xff))
      // Counted before it is on its way: a reader that breaks off has cost the line what was sent.
      sent.set(request.path, (sent.get(request.path) ?? 0) + some.length)
      yield* stream.write(faults.chunked === true ? chunk(some) : [some])
    }
    if ((faults.stallAfter !== undefined || faults.stallAt !== undefined) && cut < end) return yield* Effect.never
    if (faults.chunked === true && cut === end) yield* stream.write([Buffer.from("0\r\n\r\n")])
    return cut === end
  })

  const serve = (stream: ByteStream) =>
    Effect.gen(function* () {
      const buffer = new Uint8Array(maxHead)
      let length = 0
      while (true) {
        const text = Buffer.from(buffer.subarray(0, length)).toString("latin1")
        const headEnd = text.indexOf("\r\n\r\n")
        if (headEnd >= 0) {
          buffer.copyWithin(0, headEnd + 4, length)
          length -= headEnd + 4
          const request = parse(text.slice(0, headEnd))
          if (request === undefined || !(yield* answer(stream, request))) return
          continue
        }
        if (length === maxHead) return
        const n = yield* stream.fill(buffer.subarray(length), 1)
        if (n === 0) return
        length += n
      }
    }).pipe(Effect.catchTag("TransportError", () => Effect.void))

  const address = yield* transport.listen(options, serve)
  return {
    address,
    put: (path, bytes) => void files.set(path, { bytes, etag: `"v${versions++}"` }),
    remove: (path) => void files.delete(path),
    misbehave: (next) => void (faults = next),
    sent: (path) => (path === undefined ? [...sent.values()].reduce((sum, n) => sum + n, 0) : (sent.get(path) ?? 0)),
    requests: () => requests,
    heads: () => heads
  }
})

/** Bytes that go into one write. */
const part = 65_536

const chunk = (bytes: Uint8Array) => [Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]

interface Request {
  readonly head: string
  readonly path: string
  readonly range: string | undefined
  readonly ifRange: string | undefined
}

const parse = (text: string): Request | undefined => {
  const [first, ...lines] = text.split("\r\n")
  const match = /^GET (\S+) HTTP\/1\.1$/.exec(first ?? "")
  if (match?.[1] === undefined) return undefined
  const header = (name: string) =>
    lines
      .find((line) => line.toLowerCase().startsWith(`${name}:`))
      ?.slice(name.length + 1)
      .trim()
  return { head: text, path: match[1], range: header("range"), ifRange: header("if-range") }
}

const stillTheSame = (request: Request, etag: string) => request.ifRange === undefined || request.ifRange === etag

const rangeOf = (request: Request, size: number) => {
  const match = /^bytes=(\d+)-(\d*)$/.exec(request.range ?? "")
  if (match === null) return undefined
  const start = Number(match[1])
  const end = Math.min(match[2] === "" ? size : Number(match[2]) + 1, size)
  return start < end ? { start, end } : "Unsatisfiable"
}

const head = (status: number, headers: Readonly<Record<string, string>>): Uint8Array =>
  Buffer.from(
    [`HTTP/1.1 ${status} -`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`), "", ""].join(
      "\r\n"
    )
  )
