import { once } from "node:events"
import { Agent, request as httpRequest } from "node:http"
import { connect } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { readyAt } from "./Local.ts"
import { folder, halfAsked, serving } from "./Program.ts"

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

/** Waits until the system refuses connections. */
const nobodyListens = (url: string) =>
  Effect.callback<boolean>((resume) => {
    const probe = connect(Number(new URL(url).port), "127.0.0.1")
    probe.on("error", (error: NodeJS.ErrnoException) => resume(Effect.succeed(error.code === "ECONNREFUSED")))
    probe.on("connect", () => {
      probe.destroy()
      resume(Effect.succeed(false))
    })
  }).pipe(Effect.repeat({ until: (refused) => refused, schedule: Schedule.spaced("20 millis") }))

/** Milliseconds from its being told to stop to its being done with it, by its own log. */
const drainedIn = (log: string): number => {
  const times = [...log.matchAll(/^timestamp=(\S+)/gm)].map(([, at]) => Date.parse(at ?? ""))
  const told = log.split("\n").findIndex((line) => line.includes("message=stopping"))
  assert.isAtLeast(told, 0, log)
  return (times.at(-1) ?? Number.NaN) - (times[told] ?? Number.NaN)
}

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
        yield* Effect.sync(() => tally.answered).pipe(
          Effect.repeat({ until: (answered) => answered > 100, schedule: Schedule.spaced("20 millis") })
        )
        service.process.kill("SIGTERM")
        yield* Effect.promise(() => asked)
        const { code, stderr } = yield* Effect.promise(() => service.ended)
        for (const agent of [...kept, ...fresh]) agent.destroy()
        assert.deepStrictEqual(tally.lost, [])
        assert.strictEqual(code, 0)
        assert.isBelow(drainedIn(stderr), 5000)
        assert.notInclude(stderr, "connections were cut")
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
      yield* Effect.promise(() => once(socket, "connect"))
      // Connections are taken in their order: once a later one has its answer, this one was taken.
      yield* readyAt(service.url)
      service.process.kill("SIGTERM")
      yield* nobodyListens(service.url)
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
      const socket = yield* halfAsked(service.url)
      service.process.kill("SIGTERM")
      yield* Effect.promise(() => service.said("message=stopping"))
      service.process.kill("SIGTERM")
      const { code, stderr } = yield* Effect.promise(() => service.ended)
      socket.destroy()
      // It did not come to the end of its draining, when it cuts the connections and ends with 0.
      assert.strictEqual(code, 130)
      assert.notInclude(stderr, "connections were cut")
    })
  )
})
