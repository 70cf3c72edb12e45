import { connect, type Socket } from "node:net"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { ask, bytesOf, start, until } from "./Scene.ts"

const mebibyte = 1_048_576
const bytes = bytesOf(8 * mebibyte)
const url = "http://files.test/a.cab"
const path = "/a.cab?cacheHostOrigin=files.test"

/** The system takes some 2 MiB for each before this server has to wait, so with many more a small machine runs out of its own. */
const readers = 100

/** Clients that ask for the whole file and read nothing. */
const idle = (port: number, count: number) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      Array.from({ length: count }, (): Socket => {
        const socket = connect(port, "127.0.0.1", () => socket.write(`GET ${path} HTTP/1.1\r\nHost: c\r\n\r\n`))
        return socket.on("error", () => undefined).pause()
      })
    ),
    (sockets) => Effect.sync(() => sockets.forEach((socket) => socket.destroy()))
  )

it.live("keeps no more in memory than it may for clients that read nothing, and serves others meanwhile", () =>
  Effect.gen(function* () {
    const maxBuffered = 8 * mebibyte
    const { figures, listening, port } = yield* start({ [url]: { bytes } }, { maxConnections: 200, maxBuffered })
    yield* ask(port, path)
    let most = 0
    const looking = setInterval(() => (most = Math.max(most, listening.buffered())), 1)
    yield* Effect.scoped(
      Effect.gen(function* () {
        yield* idle(port, readers)
        yield* until(() => figures.total().hits === readers)
        for (let i = 0; i < 3; i++) assert.isTrue((yield* ask(port, path)).body.equals(bytes))
      })
    )
    clearInterval(looking)
    assert.isAtLeast(most, readers * 16_384)
    assert.isAtMost(most, maxBuffered)
    yield* until(() => figures.connections() === 0 && listening.buffered() === 0)
  })
)
