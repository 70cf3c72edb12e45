import { getEventListeners } from "node:events"
import { Piecework } from "@piecework/client"
import { AgentNotFound, JobError, OptionsError } from "@piecework/client/AgentError"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import * as support from "./support.ts"

const { download, open, read } = Piecework.promises
const { url } = support

const parts = [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5)]

/** Jobs and contents of a test, and the socket of their agent. */
const given = Effect.gen(function* () {
  const setup = support.setup()
  const socket = yield* support.listening(setup)
  return { ...setup, socket }
})

const rejected = (promise: Promise<unknown>): Effect.Effect<unknown> =>
  Effect.promise(() =>
    promise.then(
      () => assert.fail("nothing went wrong"),
      (error: unknown) => error
    )
  )

const until = (isSo: () => boolean) =>
  Effect.promise(async () => {
    while (!isSo()) await new Promise((resolve) => setImmediate(resolve))
  })

describe("A program without Effect", () => {
  it.live("aborts a download by a signal, and is told why", () =>
    Effect.gen(function* () {
      const { memory, socket } = yield* given
      memory.origins.set(url, { bytes: 1000, rate: 1 })
      const controller = new AbortController()
      const why = new Error("enough")
      const seen: Array<string> = []
      const error = yield* rejected(
        download(url, {
          path: "/data/x",
          socket,
          signal: controller.signal,
          onProgress: ({ state }) => {
            seen.push(state)
            controller.abort(why)
          }
        })
      )
      assert.strictEqual(error, why)
      assert.deepStrictEqual(seen, ["Transferring"])
      yield* until(() => memory.running.size === 0)
    })
  )

  it.live("reads a content part by part, in order, and closes it", () =>
    Effect.gen(function* () {
      const { contents, open: held, socket } = yield* given
      contents.set(url, { size: 5, read: () => Stream.fromIterable(parts) })
      const bytes = yield* Effect.promise(async () => {
        const content = await open(url, { socket })
        assert.strictEqual(content.size, 5)
        const all: Array<number> = []
        for await (const part of content) all.push(...part)
        for await (const part of content.read({ offset: 0 })) all.push(...part)
        await content.close()
        for await (const part of read(url, { socket })) all.push(...part)
        return all
      })
      assert.deepStrictEqual(bytes, [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1, 2, 3, 4, 5])
      yield* until(() => held.size === 0)
    })
  )

  it.live("stops reading when it wants, and by a signal", () =>
    Effect.gen(function* () {
      const { contents, open: held, socket } = yield* given
      contents.set(url, { read: () => Stream.concat(Stream.fromIterable(parts), Stream.never) })
      yield* Effect.promise(async () => {
        for await (const _ of read(url, { socket })) break
      })
      yield* until(() => held.size === 0)
      const controller = new AbortController()
      yield* Effect.promise(() => open(url, { socket, signal: controller.signal }))
      assert.strictEqual(held.size, 1)
      controller.abort()
      yield* until(() => held.size === 0)
    })
  )

  it.live("lets go of a signal with the content", () =>
    Effect.gen(function* () {
      const { contents, socket } = yield* given
      contents.set(url, {})
      const { signal } = new AbortController()
      const content = yield* Effect.promise(() => open(url, { socket, signal }))
      assert.strictEqual(getEventListeners(signal, "abort").length, 1)
      yield* Effect.promise(() => content.close())
      assert.deepStrictEqual(getEventListeners(signal, "abort"), [])
    })
  )

  it.live("is rejected with errors that have a tag and say what to do", () =>
    Effect.gen(function* () {
      const { socket } = yield* given
      const nobody = yield* rejected(download(url, { socket: `${socket}x` }))
      assert.instanceOf(nobody, AgentNotFound)
      assert.strictEqual(
        nobody.message,
        `No agent answers on this device (${socket}x: nothing is there); start one with "piecework agent", or name its socket in PIECEWORK_SOCKET.`
      )
      const long = yield* rejected(open(url, { socket: `/${"x".repeat(107)}` }))
      assert.instanceOf(long, AgentNotFound)
      assert.include(long.message, "at most 107 bytes")
      assert.instanceOf(yield* rejected(download("nonsense", { socket })), OptionsError)
      const missing = yield* rejected(download(url, { path: "/data/x", socket }))
      assert.instanceOf(missing, JobError)
      assert.strictEqual(missing.code, 0x80190194)
      const early = AbortSignal.abort(new Error("before it began"))
      assert.include(yield* rejected(download(url, { socket, signal: early })), { message: "before it began" })
    })
  )
})
