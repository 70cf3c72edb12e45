import { connect, type Socket } from "node:net"
import { Agent } from "@piecework/client/Agent"
import * as AgentWire from "@piecework/client/AgentWire"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { maxConnections } from "../../src/rpc/AgentServer.ts"
import * as support from "./support.ts"

const url = support.url as ContentUrl

/** A connection, closed with the scope, and what the agent says on it. */
const open = (path: string) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly socket: Socket; readonly said: () => string; readonly closed: Promise<void> }>(
      (resume) => {
        const socket = connect(path)
        let said = ""
        socket.on("data", (part) => (said = (said + part.toString("latin1")).slice(-100_000)))
        socket.on("error", () => undefined)
        const closed = new Promise<void>((done) => void socket.once("close", () => done()))
        const ready = () => resume(Effect.succeed({ socket, said: () => said, closed }))
        socket.once("connect", ready)
        socket.once("close", ready)
      }
    ),
    ({ socket }) => Effect.sync(() => socket.destroy())
  )

/** Polls; the time of the test is the bound. */
const until = (isSo: () => boolean) =>
  Effect.promise(async () => {
    while (!isSo()) await new Promise((resolve) => setImmediate(resolve))
  })

const request = (id: unknown, tag: string, payload: unknown = null) =>
  `${JSON.stringify({ _tag: "Request", id, tag, payload, headers: [] })}\n`

/** The agent answers somebody who behaves. */
const goesOn = (path: string) =>
  Effect.gen(function* () {
    const { version } = yield* Effect.flatMap(Agent, (agent) => agent.facts)
    assert.strictEqual(version, "1.2.3")
  }).pipe(Effect.provide(Agent.layer(path)))

const attacked = <A, E>(test: (path: string, given: support.Setup) => Effect.Effect<A, E, support.InScope>) => {
  const given = support.setup()
  return Effect.scoped(
    Effect.gen(function* () {
      const path = yield* support.listening(given)
      yield* Effect.scoped(test(path, given))
      yield* goesOn(path)
    })
  )
}

describe("The agent, from programs that mean harm,", () => {
  for (const [name, bytes] of [
    ["garbage", Buffer.from([0, 1, 2, 255, 10, 13, 0])],
    ["long garbage", Buffer.alloc(1_000_000, "x")],
    ["HTTP", Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n")],
    ["a request for bytes that nobody opened without a length", Buffer.from("read 0 0\n")],
    ["no JSON", Buffer.from("{{{{\n")],
    ["JSON that is no call", Buffer.from('{"_tag":"Exit"}\n')],
    ["a call that is none", Buffer.from('{"_tag":"Request","id":{},"tag":"Facts","headers":[]}\n')],
    ["headers that are none", Buffer.from('{"_tag":"Request","id":"1","tag":"Facts","headers":7}\n')],
    ["a line that never ends", Buffer.concat([Buffer.from("{"), Buffer.alloc(AgentWire.longestLine + 10, " ")])],
    [
      "a call that wants no answer",
      Buffer.from('{"_tag":"Request","id":"","isNotification":true,"tag":"Facts","headers":[]}\n')
    ],
    ["one call twice at a time", Buffer.from(request("1", "Watch").repeat(2))],
    [
      "more calls than may go on",
      Buffer.from(
        Array.from({ length: 65 }, (_, n) => request(String(n), "Open", { url: "http://host/slow" })).join("")
      )
    ]
  ] as const) {
    it.live(`takes ${name} for the end of the connection`, () =>
      attacked((path, { contents }) =>
        Effect.gen(function* () {
          contents.set("http://host/slow", {})
          const { closed, socket } = yield* open(path)
          socket.write(bytes)
          yield* Effect.promise(() => closed)
        })
      )
    )
  }

  it.live(
    "answers a call that it does not know, or whose values are not of the contract, and goes on with the others",
    () =>
      attacked((path) =>
        Effect.gen(function* () {
          const { said, socket } = yield* open(path)
          socket.write(request("1", "Nothing") + request("2", "Status", { id: "../../etc/passwd" }))
          socket.write(
            request("3", "Create", { path: `/${"x".repeat(5000)}` }) + request("4", "Create", { url: "file:///x" })
          )
          socket.write(request("5", "Facts"))
          yield* Effect.promise(
            () => new Promise<void>((done) => socket.on("data", () => said().includes('"requestId":"5"') && done()))
          )
          for (const id of [1, 2, 3, 4])
            assert.match(said(), new RegExp(`"requestId":"${id}","exit":{"_tag":"Failure"`))
          assert.include(said(), '"1.2.3"')
        })
      )
  )

  it.live("takes so many connections and no more, and has room again when they are gone", () =>
    attacked((path) =>
      Effect.gen(function* () {
        const many = yield* Effect.forEach(Array.from({ length: 1000 }), () => open(path), { concurrency: 50 })
        const isOpen = () => many.filter(({ socket }) => !socket.destroyed).length
        yield* until(() => isOpen() <= maxConnections)
        assert.isAtMost(isOpen(), maxConnections)
        for (const { socket } of many) socket.destroy()
        yield* Effect.promise(() => Promise.all(many.map(({ closed }) => closed)))
        // What the other side of them has not heard of yet counts as well.
        yield* Effect.retry(goesOn(path), { times: 1000 })
      })
    )
  )

  it.live("lets go of what a program had open that is gone in the middle, and of one that never reads", () =>
    attacked((path, { contents, open: held, memory }) =>
      Effect.gen(function* () {
        memory.origins.set(url, { bytes: 1000, rate: 1 })
        let handed = 0
        const chunk = new Uint8Array(1_048_576)
        contents.set(url, {
          size: 1e12,
          read: () =>
            Stream.fromEffectRepeat(
              Effect.sync(() => {
                handed++
                return chunk
              })
            )
        })
        const calls = yield* open(path)
        calls.socket.write(
          request("1", "Open", { url }) + request("2", "Download", { options: { url, path: "/data/x" } })
        )
        const token = yield* Effect.promise(
          () =>
            new Promise<string>((done) =>
              calls.socket.on("data", () => {
                const found = /"token":"([0-9a-f]{32})"/.exec(calls.said())?.[1]
                if (found !== undefined && memory.running.size === 1) done(found)
              })
            )
        )
        const reader = yield* Effect.acquireRelease(
          Effect.sync(() => connect(path).on("error", () => undefined)),
          (socket) => Effect.sync(() => socket.destroy())
        )
        reader.pause()
        reader.write(`read ${token} 0 -\n`)
        yield* until(() => handed > 0)
        // It waits for the reader with a chunk or two in its hands.
        for (let n = 0; n < 100; n++) yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
        assert.isBelow(handed, 64)
        assert.deepStrictEqual([...held], [url])
        calls.socket.destroy()
        yield* until(() => held.size === 0 && memory.running.size === 0)
      })
    )
  )
})
