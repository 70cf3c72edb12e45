import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schedule, type Scope } from "effect"
import { readFileSync } from "node:fs"
import { connect, createServer, type Server, type Socket } from "node:net"
import * as Tls from "node:tls"
import { Transport } from "../src/Transport.ts"

const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url), "utf8")
const certificate = fixture("localhost.crt")
const MiB = 1_048_576

const listening = (server: Server) =>
  Effect.acquireRelease(
    Effect.callback<number>((resume) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0))
      })
    }),
    () => Effect.sync(() => server.close())
  )

/** Sends `bytes`, then what it gets. */
const server = (bytes: Uint8Array) =>
  listening(
    Tls.createServer({ cert: certificate, key: fixture("localhost.key") }, (socket) => {
      socket.on("error", () => socket.destroy())
      socket.write(bytes)
      socket.pipe(socket)
    })
  )

const pattern = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 0xff)

const dial = (port: number, tls: { readonly servername: string; readonly certificates?: ReadonlyArray<string> }) =>
  Transport.use((transport) => transport.dial({ host: "127.0.0.1", port, tls, timeout: "5 seconds" }))

const trusted = { servername: "localhost", certificates: [certificate] }

const live = (sentence: string, test: () => Effect.Effect<void, unknown, Transport | Scope.Scope>) =>
  it.live(sentence, () => test().pipe(Effect.scoped, Effect.provide(Transport.layer)))

describe("Transport with TLS", () => {
  live("reads what was encrypted into shared memory", () =>
    Effect.gen(function* () {
      const bytes = pattern(4 * MiB)
      const stream = yield* dial(yield* server(bytes), trusted)
      const target = new Uint8Array(new SharedArrayBuffer(MiB))
      for (let at = 0; at < bytes.length; at += MiB) {
        assert.strictEqual(yield* stream.fill(target), MiB)
        assert.strictEqual(Buffer.compare(target, bytes.subarray(at, at + MiB)), 0)
      }
      const small = new Uint8Array(3)
      yield* stream.write([new Uint8Array([1, 2]), new Uint8Array([3])])
      yield* stream.fill(small)
      assert.deepStrictEqual([...small], [1, 2, 3])
      yield* stream.end
      assert.strictEqual(yield* stream.fill(small), 0)
    })
  )

  live("holds the sender back while nobody fills, and loses nothing by it", () =>
    Effect.gen(function* () {
      const bytes = pattern(8 * MiB)
      const stream = yield* dial(yield* server(bytes), trusted)
      const target = new Uint8Array(bytes.length)
      yield* stream.fill(target.subarray(0, 1))
      for (let turn = 0; turn < 500; turn++) yield* Effect.yieldNow
      assert.isBelow(stream.counters.received, MiB)
      assert.strictEqual(yield* stream.fill(target.subarray(1)), bytes.length - 1)
      assert.strictEqual(Buffer.compare(target, bytes), 0)
    })
  )

  live("leaves the memory of an interrupted fill alone", () =>
    Effect.gen(function* () {
      const bytes = pattern(100_000)
      const stream = yield* dial(yield* server(bytes), trusted)
      const given = new Uint8Array(MiB)
      const fiber = yield* Effect.forkChild(stream.fill(given), { startImmediately: true })
      while (stream.counters.received < bytes.length) yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      given.fill(0xee)
      yield* stream.write([bytes])
      const target = new Uint8Array(2 * bytes.length)
      assert.strictEqual(yield* stream.fill(target), target.length)
      assert.strictEqual(Buffer.compare(target, Buffer.concat([bytes, bytes])), 0)
      assert.isTrue(given.every((byte) => byte === 0xee))
    })
  )

  live("accepts an address as the name when the certificate has it", () =>
    Effect.gen(function* () {
      const port = yield* server(pattern(1))
      const stream = yield* dial(port, { ...trusted, servername: "127.0.0.1" })
      assert.strictEqual(yield* stream.fill(new Uint8Array(1)), 1)
    })
  )

  live("refuses a certificate that nobody vouches for, one for another name, and a server without TLS", () =>
    Effect.gen(function* () {
      const port = yield* server(pattern(1))
      const unknown = yield* Effect.flip(dial(port, { servername: "localhost" }))
      const wrong = yield* Effect.flip(dial(port, { ...trusted, servername: "files.example" }))
      const plain = yield* listening(createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")))
      const none = yield* Effect.flip(dial(plain, trusted))
      assert.deepStrictEqual(
        [unknown, wrong, none].map((error) => error.reason),
        ["TlsFailed", "TlsFailed", "TlsFailed"]
      )
    })
  )

  live("gives up on a server that does not answer in time", () =>
    Effect.gen(function* () {
      const port = yield* listening(createServer(() => {}))
      const transport = yield* Transport
      const dialling = transport.dial({ host: "127.0.0.1", port, tls: trusted, timeout: "50 millis" })
      assert.strictEqual((yield* Effect.flip(dialling)).reason, "TimedOut")
    })
  )
})

/** A server that passes on to a port whatever comes after a blank line, once it has answered; the requests that it got. */
const between = (to: number, answer: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const requests: Array<string> = []
    const open = new Set<Socket>()
    const track = (socket: Socket) => {
      open.add(socket)
      return socket.on("error", () => socket.destroy()).on("close", () => open.delete(socket))
    }
    const port = yield* listening(
      createServer((near) => {
        track(near)
        let text = ""
        const onData = (bytes: Buffer) => {
          text += bytes.toString("latin1")
          if (!text.endsWith("\r\n\r\n")) return
          near.off("data", onData)
          requests.push(text)
          const far = track(connect(to, "127.0.0.1"))
          for (const part of answer) near.write(part)
          far.pipe(near)
          near.pipe(far)
        }
        near.on("data", onData)
      })
    )
    yield* Effect.addFinalizer(() => Effect.sync(() => open.forEach((socket) => socket.destroy())))
    return { port, requests, open: () => open.size }
  })

const through = (accepts: (answer: string) => boolean) => ({
  ...trusted,
  through: { request: Buffer.from("LET ME\r\n\r\n"), accepts }
})

describe("Transport with TLS through another server", () => {
  live("asks it, and then talks to the other side alone", () =>
    Effect.gen(function* () {
      const bytes = pattern(4 * MiB)
      const { port, requests } = yield* between(yield* server(bytes), [..."OK\r\nX: 1\r\n\r\n"])
      const answers: Array<string> = []
      const stream = yield* dial(
        port,
        through((answer) => answers.push(answer) > 0)
      )
      const target = new Uint8Array(new SharedArrayBuffer(MiB))
      for (let at = 0; at < bytes.length; at += MiB) {
        assert.strictEqual(yield* stream.fill(target), MiB)
        assert.strictEqual(Buffer.compare(target, bytes.subarray(at, at + MiB)), 0)
      }
      assert.deepStrictEqual([requests, answers], [["LET ME\r\n\r\n"], ["OK\r\nX: 1\r\n\r\n"]])
    })
  )

  live("leaves no connection behind where it is not let through, or the other side is not who it should be", () =>
    Effect.gen(function* () {
      const { open, port } = yield* between(yield* server(pattern(1)), ["NO\r\n\r\n"])
      const early = yield* between(yield* server(pattern(1)), ["OK\r\n\r\nbytes of somebody"])
      const refused = yield* Effect.flip(
        dial(
          port,
          through(() => false)
        )
      )
      const unknown = yield* Effect.flip(dial(port, { ...through(() => true), certificates: [] }))
      const mixed = yield* Effect.flip(
        dial(
          early.port,
          through(() => true)
        )
      )
      assert.deepStrictEqual(
        [refused, unknown, mixed].map((error) => error.reason),
        ["NotLetThrough", "TlsFailed", "NotLetThrough"]
      )
      yield* Effect.repeat(
        Effect.sync(() => open() + early.open()),
        {
          until: (n) => n === 0,
          schedule: Schedule.spaced("5 millis")
        }
      )
    })
  )
})

const isLoopback = (address: string) => address === "127.0.0.1" || address === "::1"

describe("Transport", () => {
  live("connects to no address that is barred, whether it is given or looked up, and asks nobody there", () =>
    Effect.gen(function* () {
      let connections = 0
      const port = yield* listening(
        createServer((socket) => {
          connections++
          socket.destroy()
        })
      )
      const transport = yield* Transport
      for (const host of ["127.0.0.1", "localhost"]) {
        const error = yield* Effect.flip(transport.dial({ host, port, bars: isLoopback }))
        assert.strictEqual(error.reason, "Barred", host)
      }
      assert.strictEqual(connections, 0)
      const stream = yield* transport.dial({ host: "localhost", port, bars: (address) => address === "::1" })
      assert.strictEqual(stream.remote.host, "127.0.0.1")
    })
  )

  it.live("says that a name has no address", () =>
    Effect.gen(function* () {
      const transport = yield* Transport
      const error = yield* Effect.flip(transport.dial({ host: "nowhere.invalid", port: 80 }))
      assert.strictEqual(error.reason, "Unresolved")
      assert.include(error.message, "nowhere.invalid:80")
    }).pipe(Effect.scoped, Effect.provide(Transport.layer))
  )
})
