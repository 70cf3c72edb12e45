import { Agent, request as httpRequest } from "node:http"
import { connect } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readyAt } from "./Local.ts"
import { folder, serving } from "./Program.ts"

const body = JSON.stringify({
  _tag: "Request",
  id: "1",
  tag: "Geo",
  payload: { clientVersion: "1", profile: 768, callId: 0 },
  headers: []
})

interface Tally {
  answered: number
  /** Told by the system that nobody takes connections, before or just when it had made one that nobody took. */
  refused: number
  /** Requests on a connection that had answered before, or in the middle of an answer. */
  lost: Array<string>
}

/** Asks again and again over one kept connection until nobody takes connections any more. */
const asking = async (port: number, agent: Agent, tally: Tally): Promise<void> => {
  for (;;) {
    const outcome = await new Promise<"answered" | "refused" | string>((resolve) => {
      const call = httpRequest(
        {
          host: "127.0.0.1",
          port,
          path: "/rpc/geo",
          method: "POST",
          agent,
          headers: { "content-length": body.length }
        },
        (response) => {
          let text = ""
          response.on("data", (part: Buffer) => (text += part.toString()))
          response.on("end", () =>
            resolve(text.includes("Success") ? "answered" : `an answer ${response.statusCode} ${text}`)
          )
          response.on("error", (error) => resolve(`in the middle of an answer: ${error.message}`))
        }
      )
      call.on("error", (error: NodeJS.ErrnoException) =>
        resolve(!call.reusedSocket && refusals.has(error.code ?? "") ? "refused" : `${error.code} on a kept connection`)
      )
      call.end(body)
    })
    if (outcome === "answered") tally.answered++
    else if (outcome === "refused") {
      tally.refused++
      return
    } else {
      tally.lost.push(outcome)
      return
    }
  }
}

const refusals = new Set(["ECONNREFUSED", "ECONNRESET"])

describe("A service that is told to stop", () => {
  it.live("answers all that came, over kept connections and new ones, and ends with 0 within five seconds", () =>
    Effect.gen(function* () {
      for (let round = 0; round < 3; round++) {
        const service = yield* serving(yield* folder, "--log-level", "debug")
        const port = Number(new URL(service.url).port)
        const tally: Tally = { answered: 0, refused: 0, lost: [] }
        const kept = Array.from({ length: 16 }, () => new Agent({ keepAlive: true, maxSockets: 1 }))
        const fresh = Array.from({ length: 4 }, () => new Agent({ keepAlive: false, maxSockets: 1 }))
        const asked = Promise.all([...kept, ...fresh].map((agent) => asking(port, agent, tally)))
        yield* Effect.sleep("700 millis")
        const told = Date.now()
        service.process.kill("SIGTERM")
        yield* Effect.promise(() => asked)
        const { code, stderr } = yield* Effect.promise(() => service.ended)
        for (const agent of [...kept, ...fresh]) agent.destroy()
        assert.deepStrictEqual(tally.lost, [])
        assert.strictEqual(code, 0)
        assert.isBelow(Date.now() - told, 5000)
        assert.isAbove(tally.answered, 100)
        assert.strictEqual(tally.refused, 20)
        // What the service read, it answered, and each answer arrived.
        const ended = stderr.split("\n").filter((line) => line.includes("message=request role=geo"))
        assert.deepStrictEqual(
          ended.filter((line) => !line.includes("outcome=ok")),
          []
        )
        assert.strictEqual(ended.length, tally.answered)
      }
    })
  )

  it.live("says at once that it is not ready, to whoever has a connection", () =>
    Effect.gen(function* () {
      const service = yield* serving(yield* folder)
      assert.strictEqual((yield* readyAt(service.url)).code, 200)
      const socket = connect(Number(new URL(service.url).port), "127.0.0.1")
      let answer = ""
      socket.on("data", (part: Buffer) => (answer += part.toString()))
      const closed = new Promise((resolve) => socket.on("close", resolve))
      yield* Effect.sleep("100 millis")
      service.process.kill("SIGTERM")
      yield* Effect.sleep("300 millis")
      socket.write("GET /ready HTTP/1.1\r\nHost: a\r\n\r\n")
      yield* Effect.promise(() => closed)
      assert.match(answer, /^HTTP\/1\.1 503 /)
      assert.match(answer, /connection: close/i)
      assert.match(answer, /"status":"stopping"/)
      assert.strictEqual((yield* Effect.promise(() => service.ended)).code, 0)
    })
  )

  it.live("ends at once when told again", () =>
    Effect.gen(function* () {
      const service = yield* serving(yield* folder)
      const socket = connect(Number(new URL(service.url).port), "127.0.0.1", () =>
        socket.write("POST /rpc/geo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nab")
      )
      socket.on("error", () => {})
      yield* Effect.sleep("200 millis")
      service.process.kill("SIGTERM")
      yield* Effect.sleep("300 millis")
      const again = Date.now()
      service.process.kill("SIGTERM")
      const { code } = yield* Effect.promise(() => service.ended)
      socket.destroy()
      assert.strictEqual(code, 130)
      assert.isBelow(Date.now() - again, 500)
    })
  )
})
