import { randomBytes } from "node:crypto"
import { connect } from "node:net"
import * as Tls from "node:tls"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Option, Redacted } from "effect"
import { NetAddress } from "effect/net"
import { SocketServer } from "effect/socket"
import * as RunnerAddress from "../src/cluster/RunnerAddress.ts"
import * as RunnerSockets from "../src/cluster/RunnerSockets.ts"

const keyOf = () => Redacted.make(new Uint8Array(randomBytes(32)))

/** A runner that greets whoever gets through; how many did. */
const listening = (key: RunnerSockets.Key) =>
  Effect.gen(function* () {
    const context = yield* Layer.build(RunnerSockets.server(key, { host: "127.0.0.1", port: 0 }))
    const server = Context.get(context, SocketServer.SocketServer)
    let met = 0
    yield* Effect.forkScoped(
      server.run((socket) =>
        Effect.scoped(
          Effect.gen(function* () {
            met++
            yield* socket.reader
            const { write } = yield* socket.writer
            yield* write(Buffer.from("welcome"))
            return yield* Effect.sleep("1 second")
          })
        )
      )
    )
    const { address } = server
    return { port: NetAddress.isInetAddress(address) ? address.port : 0, met: () => met }
  })

/** What a socket hears until it ends or has waited for long enough. */
const heard = (open: () => Tls.TLSSocket | ReturnType<typeof connect>) =>
  Effect.callback<string>((resume) => {
    const socket = open()
    let text = ""
    const end = () => {
      socket.destroy()
      resume(Effect.succeed(text))
    }
    socket.on("data", (part: Buffer) => {
      text += part.toString("latin1")
      if (text.includes("welcome")) end()
    })
    socket.on("error", end).on("close", end)
    socket.setTimeout(3000, end)
  })

const withKey = (port: number, key: RunnerSockets.Key, name = "piecework-cluster", more: Tls.ConnectionOptions = {}) =>
  heard(() =>
    Tls.connect({
      host: "127.0.0.1",
      port,
      ciphers: "PSK",
      maxVersion: "TLSv1.2",
      pskCallback: () => ({ psk: Redacted.value(key), identity: name }),
      checkServerIdentity: () => undefined,
      ...more
    })
  )

describe("A runner's socket", () => {
  it.live("lets in who has the cluster's key, and nobody else", () =>
    Effect.gen(function* () {
      const key = keyOf()
      const { met, port } = yield* listening(key)
      const suite = { ciphers: "ECDHE-PSK-CHACHA20-POLY1305" }
      assert.strictEqual(yield* withKey(port, key, "piecework-cluster", suite), "welcome")
      assert.strictEqual(met(), 1)
      const strangers = {
        "another key": withKey(port, keyOf(), "piecework-cluster", suite),
        "an empty key": withKey(port, Redacted.make(new Uint8Array(1)), "piecework-cluster", suite),
        "another name": withKey(port, key, "stranger", suite),
        "keys that are not forgotten": withKey(port, key, "piecework-cluster", { ciphers: "PSK-AES128-GCM-SHA256" }),
        "no key": heard(() => Tls.connect({ host: "127.0.0.1", port, rejectUnauthorized: false })),
        "plain text": heard(() => {
          const socket = connect(port, "127.0.0.1")
          socket.write('{"_tag":"Request","id":"1","tag":"Ping"}\n')
          return socket
        })
      }
      for (const [what, stranger] of Object.entries(strangers)) {
        assert.notInclude(yield* stranger, "welcome", what)
        assert.strictEqual(met(), 1, what)
      }
      assert.strictEqual(yield* withKey(port, key, "piecework-cluster", suite), "welcome")
    })
  )
})

describe("A runner's address", () => {
  it("is a host and a port that others can reach", () => {
    for (const text of ["10.0.0.7:7671", "runner-2.internal:1", "[fd00::7]:65535", "localhost:80"]) {
      assert.strictEqual(RunnerAddress.format(Option.getOrThrow(RunnerAddress.parse(text))), text)
    }
    const none = [
      "",
      "7671",
      ":7671",
      "a:",
      "a:0",
      "a:65536",
      "0.0.0.0:7671",
      "[::]:7671",
      "fd00::7:7671",
      "[x]:1",
      "a b:1",
      "[a.b]:1"
    ]
    for (const text of none) assert.isTrue(Option.isNone(RunnerAddress.parse(text)), text)
  })
})
