/**
 * Many clients that read slowly, as a process: `slow-readers.ts HOST PORT PATH HOSTHEADER FILE CONNECTIONS BYTES SECONDS`. Each asks for a part of
 * the file, takes a little of it every second until the time is over, then all the rest. Prints, as one line of JSON, how many had a first byte,
 * how many got all of their part, and how many got other bytes than the file has. No Effect here: a tool, which must cost little.
 */
import { readFileSync } from "node:fs"
import { connect, type Socket } from "node:net"

const [host = "", port = "", path = "", authority = "", file = "", connections = "", size = "", seconds = ""] =
  process.argv.slice(2)
const original = readFileSync(file)
const count = Number(connections)
const length = Math.min(Number(size), original.length)

/** Bytes that a slow reader takes at a time. */
const sip = 4096

interface Reader {
  readonly socket: Socket
  readonly start: number
  head: string
  /** Bytes of the body so far. */
  got: number
  isInBody: boolean
  isRight: boolean
  isDone: boolean
}

let isSlow = true
const readers: Array<Reader> = []

const take = (reader: Reader, bytes: Uint8Array): void => {
  let body = bytes
  if (!reader.isInBody) {
    reader.head += Buffer.from(bytes).toString("latin1")
    const end = reader.head.indexOf("\r\n\r\n")
    if (end === -1) return
    if (!reader.head.startsWith("HTTP/1.1 206 ")) reader.isRight = false
    reader.isInBody = true
    body = Buffer.from(reader.head.slice(end + 4), "latin1")
    reader.head = ""
  }
  const at = reader.start + reader.got
  if (!original.subarray(at, at + body.length).equals(body)) reader.isRight = false
  reader.got += body.length
  if (reader.got >= length) finish(reader)
}

const finish = (reader: Reader): void => {
  if (reader.isDone) return
  reader.isDone = true
  reader.socket.destroy()
  if (readers.length === count && readers.every(({ isDone }) => isDone)) report()
}

const report = (): void => {
  const line = {
    connections: count,
    firstBytes: readers.filter(({ got }) => got > 0).length,
    whole: readers.filter(({ got, isRight }) => got === length && isRight).length,
    wrong: readers.filter(({ isRight }) => !isRight).length
  }
  process.stdout.write(`${JSON.stringify(line)}\n`, () => process.exit(0))
}

/** Paused sockets hold what the system has taken in; a read of a few bytes leaves the rest there. */
const drink = (reader: Reader): void => {
  if (reader.isDone) return
  for (;;) {
    const bytes: Uint8Array | null = reader.socket.read(
      isSlow ? Math.min(sip, reader.socket.readableLength) : undefined
    )
    if (bytes === null || bytes.length === 0) return
    take(reader, bytes)
    if (isSlow || reader.isDone) return
  }
}

for (let i = 0; i < count; i++) {
  const start = Math.floor(((original.length - length) * i) / Math.max(1, count - 1))
  const socket = connect({ host, port: Number(port) })
  const reader: Reader = { socket, start, head: "", got: 0, isInBody: false, isRight: true, isDone: false }
  readers.push(reader)
  socket.on("connect", () =>
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: ${authority}\r\nRange: bytes=${start}-${start + length - 1}\r\nConnection: close\r\n\r\n`
    )
  )
  socket.on("readable", () => {
    if (!isSlow || !reader.isInBody) drink(reader)
  })
  for (const end of ["end", "error", "close"] as const) socket.on(end, () => finish(reader))
}

const sipping = setInterval(() => readers.forEach(drink), 1000)
setTimeout(
  () => {
    clearInterval(sipping)
    isSlow = false
    readers.forEach(drink)
  },
  Number(seconds) * 1000
)
