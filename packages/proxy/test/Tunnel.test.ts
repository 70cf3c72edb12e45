import { once } from "node:events"
import { type AddressInfo, connect, createServer } from "node:net"
import { Duplex } from "node:stream"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as ProxyConfig from "../src/ProxyConfig.ts"
import * as Tunnel from "../src/Tunnel.ts"

/** A client that takes what it is sent once it is let. */
const slowClient = () => {
  const heard: Array<string> = []
  let take: (() => void) | undefined
  const stream = new Duplex({
    read: () => undefined,
    write: (chunk, _, done) => {
      take = () => {
        heard.push(String(chunk))
        done()
      }
    }
  })
  return { stream, heard, take: () => take?.() }
}

describe("A tunnel", () => {
  it.live("brings a slow client the last words of a server that has gone", () =>
    Effect.gen(function* () {
      const server = yield* Effect.acquireRelease(
        Effect.sync(() => createServer((socket) => socket.end("goodbye")).listen(0, "127.0.0.1")),
        (listening) => Effect.sync(() => listening.close())
      )
      yield* Effect.promise(() => once(server, "listening"))
      const far = connect((server.address() as AddressInfo).port, "127.0.0.1")
      const client = slowClient()
      const joined = yield* Effect.forkScoped(Tunnel.join(client.stream, new Uint8Array(), far), {
        startImmediately: true
      })
      yield* Effect.promise(() => once(far, "close"))
      client.take()
      yield* Fiber.join(joined)
      assert.deepStrictEqual(client.heard, ["goodbye"])
      assert.isTrue(client.stream.writableFinished)
    }).pipe(Effect.scoped, Effect.provide(ProxyConfig.layer()))
  )
})
