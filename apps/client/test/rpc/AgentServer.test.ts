import { Agent } from "@piecework/client/Agent"
import * as Download from "@piecework/client/Download"
import * as Open from "@piecework/client/Open"
import type { JobOptions } from "@piecework/client/JobOptions"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import type { ContentId } from "@piecework/domain/Content"
import { NoProgressError } from "@piecework/download/DownloadError"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as support from "./support.ts"

const url = support.url as ContentUrl
const job = (name: string, more: Partial<JobOptions> = {}): JobOptions => ({ url, path: `/data/${name}`, ...more })

const turn = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))

/** Waits for what real streams bring; the clock of the test stands still meanwhile. */
const soon = <A, E, R>(look: Effect.Effect<A, E, R>, isSo: (value: A) => boolean) =>
  Effect.gen(function* () {
    for (let n = 0; n < 100_000 && !isSo(yield* look); n++) yield* turn
  })

/** Lets time go by in steps, with what streams bring in between. */
const pass = (seconds: number) =>
  Effect.forEach(Array.from({ length: seconds * 2 }), () => Effect.andThen(TestClock.adjust("500 millis"), turns), {
    discard: true
  })
const turns = Effect.repeat(turn, { times: 10 })

type Test<A, E> = (agent: Agent["Service"], given: support.Setup) => Effect.Effect<A, E, Agent | support.InScope>
const over = <A, E>(layer: (given: support.Setup) => ReturnType<typeof support.inMemory>, test: Test<A, E>) => {
  const given = support.setup()
  given.memory.origins.set(url, { bytes: 1000, rate: 250 })
  return Effect.flatMap(Agent, (agent) => test(agent, given)).pipe(Effect.scoped, Effect.provide(layer(given)))
}

const transports = { "a pair of streams": support.inMemory, "a socket": support.overSocket }

for (const [name, layer] of Object.entries(transports)) {
  describe(`The agent over ${name}`, () => {
    it.effect("says what it is", () =>
      over(layer, (agent) =>
        Effect.gen(function* () {
          const facts = yield* agent.facts
          assert.deepStrictEqual(facts, { version: "1.2.3", pid: 7, stateFolder: "/state", since: 5, rest: 50_000 })
        })
      )
    )

    it.effect("carries jobs through their states, and tells what is wrong by number and sentence", () =>
      over(layer, (agent, { files }) =>
        Effect.gen(function* () {
          const id = yield* agent.create(job("one", { displayName: "One", priority: "Foreground", nonVolatile: true }))
          const other = yield* agent.create({ url })
          const [one, two] = yield* agent.enumerate()
          assert.deepStrictEqual([one?.state, one?.displayName, one?.path], ["Created", "One", "/data/one"])
          assert.strictEqual(two?.id, other)
          assert.deepStrictEqual(
            (yield* agent.enumerate({ displayName: "One" })).map((found) => found.id),
            [id]
          )
          const early = yield* Effect.flip(agent.finalize(id))
          assert.include(early, { _tag: "JobError", code: 0x80d02013 })
          assert.include(early.message, "the job is in no state for this (0x80D02013)")
          assert.include(yield* Effect.flip(agent.start(other)), { code: 0x80d02018 })
          yield* agent.change(other, { path: "/data/two", totalBytes: 7 })
          yield* agent.start(id)
          yield* pass(1)
          yield* agent.pause(id)
          const paused = yield* agent.status(id)
          assert.strictEqual(paused.state, "Paused")
          assert.isAtLeast(paused.bytesTransferred, 125)
          yield* agent.resume(id)
          yield* pass(5)
          assert.include(yield* agent.status(id), { state: "Transferred", bytesTotal: 1000, bytesTransferred: 1000 })
          yield* agent.finalize(id)
          assert.isTrue(files.has("/data/one"))
          assert.include(yield* Effect.flip(agent.status(id)), { code: 0x80070490 })
          yield* agent.abort(other)
          assert.deepStrictEqual(yield* agent.enumerate(), [])
        })
      )
    )

    it.effect("lets watch: each state, and in between where the bytes come from and how fast", () =>
      over(layer, (agent) =>
        Effect.gen(function* () {
          const id = yield* agent.create(job("watched"))
          const watching = yield* Effect.forkChild(Stream.runCollect(agent.watch(id, 500)))
          yield* turns
          yield* agent.start(id)
          yield* pass(5)
          yield* agent.finalize(id)
          yield* pass(1)
          const seen = yield* Fiber.join(watching)
          const states = seen.map(({ state }) => state).filter((state, n, all) => state !== all[n - 1])
          assert.deepStrictEqual(states, ["Created", "Transferring", "Transferred", "Finalized"])
          const going = seen.filter(({ transfer }) => transfer !== undefined)
          assert.isAbove(going.length, 4)
          assert.deepStrictEqual(going[0]?.transfer?.received, support.progress.received)
          assert.isTrue(going.every(({ rate }) => rate !== undefined))
        })
      )
    )

    it.effect("downloads in one call, and answers where the bytes came from", () =>
      over(layer, (agent, { files }) =>
        Effect.gen(function* () {
          const told: Array<string> = []
          const fetching = yield* Effect.forkChild(
            Download.download(url, {
              path: "/data/whole",
              progressEvery: "1 second",
              onProgress: ({ bytesTransferred, state }) => told.push(`${state} ${bytesTransferred}`)
            })
          )
          yield* pass(6)
          const outcome = yield* Fiber.join(fetching)
          assert.include(outcome, { path: "/data/whole", fileBytes: 1000, durationMillis: 13 })
          assert.strictEqual(outcome.bytes.Origin, 1000)
          assert.deepStrictEqual(told.slice(0, 1), ["Transferring 0"])
          assert.isTrue(files.has("/data/whole"))
          assert.deepStrictEqual(yield* agent.enumerate(), [])
        })
      )
    )

    it.effect("aborts the job of a download that is interrupted, and of one that fails", () =>
      over(layer, (agent, { memory }) =>
        Effect.gen(function* () {
          const fetching = yield* Effect.forkChild(Download.download(url, { path: "/data/gone" }))
          yield* pass(1)
          assert.lengthOf(yield* agent.enumerate(), 1)
          yield* Fiber.interrupt(fetching)
          yield* soon(agent.enumerate(), (jobs) => jobs.length === 0)
          assert.deepStrictEqual(yield* agent.enumerate(), [])
          assert.strictEqual(memory.running.size, 0)
          const missing = yield* Effect.forkChild(
            Effect.flip(Download.download("http://host/none", { path: "/data/none" }))
          )
          yield* pass(1)
          const error = yield* Fiber.join(missing)
          assert.include(error, { _tag: "JobError", code: 0x80190194 })
          assert.strictEqual(error.message, "The server answers with HTTP 404 (0x80190194).")
          yield* soon(agent.enumerate(), (jobs) => jobs.length === 0)
          assert.deepStrictEqual(yield* agent.enumerate(), [])
        })
      )
    )

    it.effect("says so when somebody else ends the job of a download", () =>
      over(layer, (agent) =>
        Effect.gen(function* () {
          const fetching = yield* Effect.forkChild(Effect.flip(Download.download(url, { path: "/data/taken" })))
          yield* pass(1)
          const [only] = yield* agent.enumerate()
          if (only !== undefined) yield* agent.abort(only.id)
          yield* turns
          assert.strictEqual((yield* Fiber.join(fetching)).message, "Somebody else has aborted the job.")
        })
      )
    )

    it.effect("refuses what makes no sense before it asks, and what it cannot carry out", () =>
      over(layer, (agent) =>
        Effect.gen(function* () {
          for (const [wish, text] of [
            [Download.download("ftp://host/x"), "is not an http or https URL"],
            [Download.download("http://host/"), "does not end in a file name"],
            [Download.download(url, { contentId: "DO-x" }), "contentId"],
            [Download.download(url, { noProgressTimeout: "1 second" }), "noProgressTimeoutSeconds"],
            [Download.download(url, { headers: { "bad name": "x" } }), "bad name"],
            [Download.download(url, { ranges: [{ offset: -1 }] }), "offset"]
          ] as const) {
            const error = yield* Effect.flip(wish)
            assert.strictEqual(error._tag, "OptionsError")
            assert.include(error.message, text)
          }
          const many = Array.from({ length: 12 }, (_, n) => `${url}?${n}${"x".repeat(4000)}` as ContentUrl)
          const error = yield* Effect.flip(agent.create(job("m", { mirrors: many })))
          assert.include(error, { _tag: "JobError", code: 0x80070057 })
        })
      )
    )

    it.effect("hands out bytes of a content in order, all of it and parts, to several readers", () =>
      over(layer, (_, { asked, contents, open }) =>
        Effect.gen(function* () {
          const bytes = Uint8Array.from({ length: 3_000_000 }, (__, n) => n % 251)
          const contentId = `DO-${"B".repeat(42)}A` as ContentId
          contents.set(url, {
            size: bytes.length,
            contentId,
            facts: { status: 200, url, lines: [], headers: new Map([["etag", '"x"']]), address: "10.0.0.1" } as never,
            read: (range) => {
              const { length = bytes.length, offset } = range ?? { offset: 0 }
              const part = bytes.subarray(offset, offset + length)
              return Stream.fromIterable(
                Array.from({ length: Math.ceil(part.length / 1_048_576) }, (__, n) =>
                  part.subarray(n * 1_048_576, (n + 1) * 1_048_576)
                )
              )
            }
          })
          const content = yield* Open.open(url, { headers: { "X-From": "here" }, isWhole: false })
          assert.include(content, { size: bytes.length, contentId })
          assert.deepStrictEqual(content.facts?.headers, { etag: '"x"' })
          assert.include(asked[0], { url, mode: "Lan", isWhole: false, priority: "Foreground" })
          assert.deepStrictEqual(asked[0]?.headers, { "X-From": "here" })
          const read = (range?: { readonly offset: number; readonly length?: number }) =>
            Effect.map(Stream.runCollect(content.read(range)), (parts) => Buffer.concat([...parts]))
          const [all, part, tail] = yield* Effect.all(
            [read(), read({ offset: 5, length: 70_000 }), read({ offset: 2_999_999 })],
            { concurrency: "unbounded" }
          )
          assert.isTrue(all.equals(bytes))
          assert.isTrue(part.equals(bytes.subarray(5, 70_005)))
          assert.deepStrictEqual([...tail], [bytes[2_999_999]])
          assert.deepStrictEqual([...open], [url])
        })
      ).pipe(Effect.asVoid)
    )

    it.effect("closes a content with its reader, and says what goes wrong with one", () =>
      over(layer, (agent, { contents, open }) =>
        Effect.gen(function* () {
          contents.set(url, {
            read: () => Stream.concat(Stream.make(Uint8Array.of(1, 2, 3)), Stream.never)
          })
          yield* Stream.runDrain(Stream.take(Open.read(url), 1))
          yield* soon(
            Effect.sync(() => open.size),
            (size) => size === 0
          )
          assert.strictEqual(open.size, 0)

          contents.set(url, {
            read: () =>
              Stream.concat(Stream.make(Uint8Array.of(9)), Stream.fail(new NoProgressError({ url, seconds: 300 })))
          })
          const broken = yield* Effect.flip(Stream.runDrain(Open.read(url)))
          assert.strictEqual(broken._tag, "JobError")
          const missing = yield* Effect.flip(Effect.scoped(agent.open({ url: "http://host/none" as ContentUrl })))
          assert.include(missing, { _tag: "JobError", code: 0x80190194 })
        })
      )
    )
  })
}
