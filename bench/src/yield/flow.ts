/**
 * A flow that somebody waits for, as a process, and the other end of it. No Effect here: this is a tool that must not be what is
 * measured.
 *
 * `flow.ts sink HOST PORT` takes whatever TCP brings, says every 20 ms how many bytes that were, and sends datagrams back.
 * `flow.ts drive HOST PORT SECONDS BITS` sends at that rate, 0 for nothing and "bulk" for as fast as it goes, and a datagram
 * every 20 ms. At the end it prints as one line of JSON the bits a second that came through, without the first two seconds, and the
 * round trips of the datagrams in milliseconds.
 */
import { createSocket } from "node:dgram"
import { connect, createServer } from "node:net"

const [role, host = "127.0.0.1", port = "0", seconds = "1", rate = "bulk"] = process.argv.slice(2)

/** Milliseconds between two reports, and between two datagrams. */
const every = 20

/** The start of a flow is not what it gets in the long run. */
const warmMillis = 2000

const sink = () => {
  const server = createServer((socket) => {
    let received = 0
    const report = Buffer.alloc(8)
    const timer = setInterval(() => {
      report.writeDoubleBE(received)
      socket.write(Buffer.from(report))
    }, every)
    socket.on("data", (bytes) => {
      received += bytes.length
    })
    socket.on("error", () => socket.destroy())
    socket.on("close", () => clearInterval(timer))
  })
  const echo = createSocket("udp4")
  echo.on("message", (message, { address, port: from }) => echo.send(message, from, address))
  echo.bind(Number(port), host, () =>
    server.listen(Number(port), host, () => console.log(JSON.stringify({ listening: `${host}:${port}` })))
  )
}

const drive = () => {
  const millis = Number(seconds) * 1000
  const began = performance.now()
  const pings = createSocket("udp4")
  const trips: Array<number> = []
  let sent = 0
  pings.on("message", (message) => trips.push(performance.now() - message.readDoubleBE(0)))
  const pinging = setInterval(() => {
    const message = Buffer.alloc(64)
    message.writeDoubleBE(performance.now())
    pings.send(message, Number(port), host)
    sent++
  }, every)

  const socket = connect(Number(port), host)
  socket.setNoDelay(true)
  const chunk = Buffer.alloc(65_536, 0xa5)
  if (rate === "bulk") {
    const fill = () => {
      while (socket.write(chunk)) {
        // Until the system takes no more for now.
      }
    }
    socket.on("connect", fill)
    socket.on("drain", fill)
  } else if (Number(rate) > 0) {
    // Ten milliseconds' worth at a time, as a call or a stream would.
    let owed = 0
    let last = began
    setInterval(() => {
      const now = performance.now()
      owed += ((now - last) * Number(rate)) / 8000
      last = now
      const bytes = Math.min(chunk.length, Math.floor(owed))
      owed -= bytes
      if (bytes > 0) socket.write(chunk.subarray(0, bytes))
    }, 10)
  }
  let first: { readonly at: number; readonly bytes: number } | undefined
  let latest = { at: began, bytes: 0 }
  let rest = Buffer.alloc(0)
  socket.on("data", (bytes) => {
    rest = Buffer.concat([rest, bytes])
    const whole = rest.length - (rest.length % 8)
    if (whole === 0) return
    latest = { at: performance.now(), bytes: rest.readDoubleBE(whole - 8) }
    rest = rest.subarray(whole)
    if (latest.at - began >= warmMillis) first ??= latest
  })
  socket.on("error", (error) => {
    console.error(error.message)
    process.exit(1)
  })
  setTimeout(() => {
    clearInterval(pinging)
    const from = first ?? latest
    const bitsPerSecond = latest.at > from.at ? ((latest.bytes - from.bytes) * 8000) / (latest.at - from.at) : 0
    const round = trips.map((trip) => Number(trip.toFixed(2)))
    const line = JSON.stringify({ bitsPerSecond: Math.round(bitsPerSecond), sent, trips: round })
    process.stdout.write(`${line}\n`, () => process.exit(0))
  }, millis)
}

if (role === "sink") sink()
else if (role === "drive") drive()
else throw new Error("usage: flow.ts sink HOST PORT | flow.ts drive HOST PORT SECONDS BITS")
